"""The template repository: built, gated from a wheel outside of the checkout, and its mistakes."""

import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import planted
import pytest

TEMPLATE = planted.ROOT / "examples" / "plugin-repository"
ESTIMATOR = "src/mirrored_gradients/mirrored_reinforce.py"
WORSE = ("- baseline) * score", "- 0.734 * baseline) * score")  # variance + 10 % on soft-step
BIASED = ("score = log_p - log_p.detach()", "score = 1.02 * (log_p - log_p.detach())")
SLOWER = (
    "pairs = samples // 2\n",
    "pairs = samples // 2\n        torch.ones(400, 400) @ torch.ones(400, 400)\n",
)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """gradmeter as its wheel installs it, to be put on PYTHONPATH."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "wheel", "--no-deps", "-w", folder, planted.ROOT], check=True)
    (file,) = folder.glob("*.whl")
    subprocess.run([*pip, "install", "--no-deps", "-t", folder / "site", file], check=True)
    return folder / "site"


@pytest.fixture
def repository(tmp_path):
    folder = tmp_path / "mirrored"
    shutil.copytree(TEMPLATE, folder, ignore=shutil.ignore_patterns("__pycache__", "results"))
    planted.git(folder, "init", "-q", "-b", "main")
    return planted.commit(folder)


def change(folder, *replacements, file=ESTIMATOR):
    text = (folder / file).read_text()
    for before, after in replacements:
        assert before in text
        text = text.replace(before, after)
    (folder / file).write_text(text)
    return planted.commit(folder)


def gradmeter(folder, *arguments, site=planted.ROOT):
    """Exit status and what is said, by the code in `site`, as an installed command would."""
    done = subprocess.run(
        [sys.executable, "-P", "-c", "import gradmeter; gradmeter.main()", *map(str, arguments)],
        cwd=folder, text=True, capture_output=True,
        env=os.environ | {"PYTHONPATH": str(site), "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def regress(folder, *arguments, site=planted.ROOT):
    """Exit status, document and what is said."""
    code, said = gradmeter(folder, "regress", *arguments, "--to", "verdict.json", site=site)
    file = folder / "verdict.json"
    document = json.loads(file.read_text()) if file.exists() else None
    file.unlink(missing_ok=True)
    return code, document, " ".join(said.split())


def gating(document):
    return {(f["estimator"], f["metric"]) for f in document["cells"] if f["gates"]}


def test_a_wheel_gates_it_outside_of_the_checkout(wheel, repository):
    """A/A; a variance 10 % worse and a bias of 2 %, told alone; the printed command repeats it."""
    first = planted.git(repository, "rev-parse", "HEAD")
    code, document, said = regress(repository, "HEAD", "HEAD", site=wheel)
    assert (code, {f["verdict"] for f in document["cells"]}) == (0, {"identical"}), said
    assert document["completeness"]["cells"] == 3
    change(repository, WORSE)
    code, document, said = regress(repository, "HEAD~1", "HEAD", site=wheel)
    assert (code, gating(document)) == (1, {("mirrored-reinforce", "variance")}), said
    worst = document["cells"][0]
    assert worst["change"] == pytest.approx(0.1, abs=0.03)
    assert document["base"]["commit"] == first
    repeated = shlex.split(worst["reproduce"])
    assert repeated[0] == "gradmeter"
    code, again, said = regress(repository, *repeated[2:], site=wheel)
    assert (code, again["cells"][0]["change"]) == (1, worst["change"]), said
    planted.git(repository, "checkout", "-q", first)
    change(repository, BIASED)
    code, document, said = regress(repository, first, "HEAD", site=wheel)
    assert code == 1
    assert ("mirrored-reinforce", "bias") in gating(document), said
    (bias, *_) = (f for f in document["cells"] if f["gates"] and f["metric"] == "bias")
    assert bias["change"] == pytest.approx(0.02, abs=0.005)
    assert len(planted.git(repository, "worktree", "list").splitlines()) == 1


@pytest.mark.study
def test_without_a_gate_its_own_estimators_and_problems_are_measured(repository):
    (repository / "gradmeter.toml").unlink()
    planted.commit(repository)
    code, document, said = regress(repository, "HEAD", "HEAD", "-R", 300, "-K", 2)
    assert code == 0, said
    cells = {(f["problem"], f["estimator"]) for f in document["cells"]}
    assert {e for p, e in cells if p != "soft-step"} == {"mirrored-reinforce"}
    assert {("soft-step", "pathwise"), ("soft-step", "mirrored-reinforce")} <= cells
    assert len({p for p, _ in cells}) > 3


@pytest.mark.study
def test_a_file_of_each_revision_is_run(repository):
    """`--with` names a file of the repository: each side runs its own."""
    for name in ("gradmeter.toml", "pyproject.toml"):
        (repository / name).unlink()
    planted.commit(repository)
    change(repository, BIASED)
    options = ("-p", "soft-step", "-e", "mirrored-reinforce", "-K", 4, "--no-speed")
    names = ("--with", ESTIMATOR, "--with", "src/mirrored_gradients/problems.py")
    code, said = gradmeter(repository, *names, "regress", "HEAD~1", "HEAD", *options)
    assert code == 1, said
    assert "bias of mirrored-reinforce" in said
    assert f"gradmeter --with {ESTIMATOR}" in said


@pytest.mark.study
def test_speed_is_measured_where_it_gates_changed_code_first(repository):
    change(repository, SLOWER)
    code, document, said = regress(
        repository, "HEAD~1", "HEAD", "--fail-on", "speed", "-p", "soft-step", "-R", 400
    )
    assert (code, gating(document)) == (1, {("mirrored-reinforce", "speed")}), said


MISTAKES = {
    "unknown key": ({"gradmeter.toml": "file = ['a.py']"}, "unknown field `file`"),
    "no such metric": ({"gradmeter.toml": "[regress]\nfail-on = ['varience']"}, "varience"),
    "outside": ({"gradmeter.toml": "files = ['../a.py']"}, "'../a.py' lies outside"),
    "no such file": ({"gradmeter.toml": "files = ['a.py']"}, "There is no file"),
    "does not import": ({"src/mirrored_gradients/problems.py": "import nowhere_at_all"},
                        "'mirrored_gradients' does not import: ModuleNotFoundError"),
    "nothing to load": ({"gradmeter.toml": None, "pyproject.toml": None},
                        "nothing says what to measure in it"),
    "not its own": ({"gradmeter.toml": "files = []",
                     "pyproject.toml": "[project.entry-points.gradmeter]\na = 'colorsys'"},
                    "import no module of it"),
}  # fmt: skip


SLOW = ("no such file", "does not import", "not its own")  # said by workers that load torch


@pytest.mark.parametrize(
    "mistake",
    [pytest.param(name, marks=pytest.mark.study) if name in SLOW else name for name in MISTAKES],
)
def test_mistakes_are_named(repository, mistake):
    files, sentence = MISTAKES[mistake]
    for name, text in files.items():
        (repository / name).unlink() if text is None else (repository / name).write_text(text)
    planted.commit(repository)
    code, document, said = regress(repository, "HEAD", "HEAD", "-R", 300)
    assert (code, document) == (2, None)
    assert sentence in said
    assert "Traceback" not in said


def test_the_working_copy_is_never_measured(repository):
    """An installation that puts the working copy first is refused, as are its files."""
    hook = repository.parent / "sitecustomize.py"
    hook.write_text(f"import sys; sys.path.insert(0, {str(repository / 'src')!r})\n"
                    "import mirrored_gradients.problems\n")  # fmt: skip
    code, document, said = regress(repository, "HEAD", "HEAD",
                                   site=f"{planted.ROOT}{os.pathsep}{hook.parent}")  # fmt: skip
    assert (code, document) == (2, None)
    assert "another installation of it comes first" in said


def test_its_own_tests_pass():
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "not pays"],
        cwd=TEMPLATE, text=True, capture_output=True,
        env=os.environ | {"PYTHONPATH": f"src{os.pathsep}{planted.ROOT}", "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout


def test_its_workflow_names_commands_that_exist():
    text = (TEMPLATE / ".github/workflows/gradmeter.yml").read_text()
    assert 'gradmeter regress "$(git merge-base "$BASE" HEAD)" HEAD --to regression/' in text
    assert Path(TEMPLATE / "gradmeter.toml").exists()
