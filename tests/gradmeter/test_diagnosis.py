"""`gradmeter doctor`, and what keeps somebody else's packages and data from running here."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from planted_records import framed, record, refused

import reports
from gradmeter import diagnosis, main, origin

ROOT = Path(__file__).parents[2]


def doctor(*words):
    return CliRunner().invoke(main, ["doctor", *words])


def test_a_sound_installation():
    done = doctor("--json")
    found = {finding["about"]: finding for finding in json.loads(done.stdout)}
    assert done.exit_code == 0, done.output
    for about in ("packages", "python", "torch", "device", "threads", "C loops", "plugins"):
        assert found[about]["says"]
    assert "packages" in doctor().stdout


def test_a_folder_of_that_name_does_not_take_the_place_of_ours(tmp_path):
    (tmp_path / "benchmarks").mkdir()
    (tmp_path / "benchmarks/__init__.py").write_text("raise SystemExit('I ran')\n")
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}:{ROOT}"}
    command = [sys.executable, "-m", "gradmeter"]
    for words, status in ((["list"], 2), (["report"], 2), (["doctor"], 3)):
        done = subprocess.run(
            [*command, *words], cwd=tmp_path, env=environment, capture_output=True, text=True
        )
        said = done.stdout + done.stderr
        assert done.returncode == status, said
        assert f"would import benchmarks from {tmp_path}/benchmarks" in said.replace("\n", " ")
        assert "I ran" not in said
        assert "Traceback" not in said


@pytest.mark.parametrize(("compiler", "why"), [
    (["/usr/bin/cc"], "/usr/bin/cc makes none, and"), (None, "there is no C compiler, and")
])  # fmt: skip
def test_a_machine_without_c_loops_is_told_what_they_are_worth(monkeypatch, compiler, why):
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setattr("benchmarks.c_loops.compiler", lambda: compiler)
    monkeypatch.setattr("benchmarks.c_loops.available", lambda: False)
    done = doctor()
    assert done.exit_code == 0
    assert f"{why} measuring may take twice as long" in " ".join(done.stdout.split())


def test_a_name_of_no_compiler_is_named(monkeypatch):
    monkeypatch.setenv("CC", "no 'such")
    monkeypatch.setattr("benchmarks.c_loops.available", lambda: False)
    assert "CC names no compiler, and measuring" in " ".join(doctor().stdout.split())


def test_a_package_already_imported_from_elsewhere_is_seen(monkeypatch, tmp_path):
    assert origin.strangers() == {}
    monkeypatch.setattr(origin, "HOME", tmp_path)
    assert set(origin.strangers()) == {"estimators", "benchmarks", "reports"}


def test_a_plugin_that_fails_and_a_folder_that_cannot_be_written_are_wrong(monkeypatch, tmp_path):
    monkeypatch.setattr(
        "benchmarks.objective.loading.installed_plugins", lambda: ["plugin 'x' failed: why"]
    )
    done = doctor()
    assert done.exit_code == 3
    assert "!! plugins" in done.stdout
    assert "plugin 'x' failed: why" in done.stdout
    monkeypatch.undo()
    monkeypatch.setattr(diagnosis.tempfile, "gettempdir", lambda: str(tmp_path / "absent"))
    done = doctor()
    assert done.exit_code == 3
    assert "cannot be written (No such file or directory)" in done.stdout


CALLS = {"eval", "exec", "compile", "__import__"}
MODULES = {"pickle", "marshal", "shelve", "dill", "cloudpickle", "joblib"}
LOADERS = {"torch.load", "yaml.load", "pandas.read_pickle"}
PIPES = {  # to a child of our own, over its standard input and output
    "benchmarks/sequences/adapters/source.py",  # runs functions of a package that is installed
    "benchmarks/regression/worktrees.py",
    "benchmarks/regression/worker.py",
}


def dangers(tree):
    """What could run code that came as data."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (a.name for a in node.names if a.name.split(".")[0] in MODULES)
        if isinstance(node, ast.ImportFrom) and node.module and node.module in MODULES:
            yield node.module
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            if name in CALLS | LOADERS:
                yield name
            for word in node.keywords:
                if word.arg in ("allow_pickle", "shell") and ast.unparse(word.value) != "False":
                    yield word.arg


@pytest.mark.parametrize("package", ["estimators", "benchmarks", "reports", "gradmeter"])
def test_data_is_never_run(package):
    files = list((ROOT / package).rglob("*.py"))
    assert files
    for path in files:
        if str(path.relative_to(ROOT)) not in PIPES:
            assert list(dangers(ast.parse(path.read_text()))) == [], path


def test_the_search_for_dangers_finds_them():
    code = "import pickle\nfrom marshal import loads\neval('1')\ntorch.load(f)\n"
    code += "numpy.load(f, allow_pickle=True)\nsubprocess.run(c, shell=True)\nmodel.eval()\n"
    found = list(dangers(ast.parse(code)))
    assert sorted(found) == ["allow_pickle", "eval", "marshal", "pickle", "shell", "torch.load"]


def test_markup_in_any_field_stays_text_in_every_page(tmp_path):
    evil = "<script>alert(1)</script><img src=x onerror=alert(1)>"
    rows = [record(f"{evil}{i}", f"{evil}e", k, bias_p=0.0) for i in range(2) for k in (1, 4)]
    rows += [refused(f"{evil}0", evil, reason=evil), refused(f"{evil}1", evil, status="error")]
    for row in rows:
        row |= {"device": evil, "dtype": evil, "truth_method": evil, "stopped": evil}
        row["config"] = json.dumps({evil: evil, "n": len(row["problem"]) + row["samples"]})
        row["context"] = {**row["context"], "host": evil, "commit": evil, "cpu": evil, "gpu": evil}
    reports.publish(framed(rows), tmp_path)
    pages = [path for path in tmp_path.rglob("*") if path.suffix in (".html", ".md")]
    assert len(pages) >= 2
    for path in pages:
        text = path.read_text()
        if path.suffix == ".md":
            assert "<script" not in text, path
            assert "<img" not in text, path
        else:
            assert "<script>alert" not in text, path
            assert "<img src=x" not in text, path
    assert "&lt;script&gt;alert" in (tmp_path / "index.html").read_text()
