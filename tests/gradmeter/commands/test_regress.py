"""`gradmeter regress` over real checkouts and stores: planted faults, wrong code, mistakes."""

import json
import shutil

import planted
import pytest
from click.testing import CliRunner

from benchmarks.store.store import Store
from gradmeter import main
from reports.regression.page import content

CELLS = ("-p", "normal-quadratic", "-e", "pathwise", "-e", "reinforce-loo", "-e", "reinforce",
         "-K", "4", "-R", "2000")  # fmt: skip
FOUND = {  # the estimator, the metric that says so
    "worse baseline": ("reinforce-loo", "variance"),
    "bias 2 %": ("reinforce-loo", "bias"),
    "a sample drawn twice": ("pathwise", "variance"),
    "15 % slower": ("pathwise", "speed"),
    "fails": ("pathwise", "status"),
    "has a mistake": ("pathwise", "status"),
    "is killed": ("pathwise", "status"),
}
CHANGES = {  # what was planted, and how exactly it must be told
    "worse baseline": (0.10, 0.015),
    "bias 2 %": (0.02, 0.005),
    "a sample drawn twice": (1.0, 0.1),
    "15 % slower": (0.15, 0.05),
}


def invoke(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def regress(*arguments):
    """Exit status, document and output of the command."""
    done = invoke("regress", *arguments, "--to", "report/verdict.json")
    try:
        with open("report/verdict.json") as file:
            document = json.load(file)
    except FileNotFoundError:
        document = None
    shutil.rmtree("report", ignore_errors=True)
    return done.exit_code, document, done.output


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    """A repository with a branch for each fault, beside main."""
    folder = planted.checkout(tmp_path_factory.mktemp("repository"))
    for fault in planted.FAULTS:
        planted.git(folder, "checkout", "-q", "-B", branch(fault), "main")
        planted.plant(folder, fault)
    planted.git(folder, "checkout", "-q", "main")
    return folder


@pytest.fixture
def here(repository, monkeypatch):
    monkeypatch.chdir(repository)
    return repository


def branch(fault):
    return fault.replace(" ", "-").replace("%", "percent")


def check_found(fault, fail_on="variance,bias", *options):
    """The fault is found, alone; the estimators without it are identical."""
    code, document, output = regress(
        "main", branch(fault), *CELLS, "--fail-on", fail_on, *options
    )  # fmt: skip
    assert code == document["exit_status"] == 1, output
    gating = {(f["estimator"], f["metric"]) for f in document["cells"] if f["gates"]}
    assert FOUND[fault] in gating
    assert {estimator for estimator, _ in gating} == {FOUND[fault][0]}
    others = [f for f in document["cells"] if f["estimator"] != FOUND[fault][0]]
    statistics = [f for f in others if f["metric"] in ("variance", "bias")]
    assert len(statistics) == 4
    assert {f["verdict"] for f in statistics} == {"identical"}
    (found,) = (f for f in document["cells"] if (f["estimator"], f["metric"]) == FOUND[fault])
    assert ("--fail-on speed" in found["reproduce"]) == (found["metric"] == "speed")
    assert ("--no-speed" in found["reproduce"]) == ("--no-speed" in options)
    assert f"{found['metric']} of {found['estimator']}" in document["sentence"]
    if fault in CHANGES:
        planted_change, error = CHANGES[fault]
        assert found["change"] == pytest.approx(planted_change, abs=error)
    return document


def test_a_planted_fault_is_found_alone_and_no_worktree_is_left(here):
    document = check_found("worse baseline", "variance,bias", "--no-speed")
    assert document["base"]["commit"] == planted.git(here, "rev-parse", "main")
    assert "zz_planted" not in planted.git(here, "status", "--porcelain")
    assert len(planted.git(here, "worktree", "list").splitlines()) == 1
    (found, *_) = document["cells"]
    assert found["ratio_low"] <= found["ratio"] <= found["ratio_high"]
    commits = (planted.git(here, "rev-parse", name)[:12] for name in ("main", "worse-baseline"))
    assert found["reproduce"].startswith(
        f"gradmeter regress {' '.join(commits)} -p normal-quadratic"
    )
    assert document["minimum_effect"]["variance"]["best"] == 0.01


def test_the_wrong_code_is_refused(here, tmp_path, monkeypatch):
    """An installation that puts itself first, as some editable installs do."""
    other = tmp_path / "estimators"
    shutil.copytree(here / "estimators", other)
    (tmp_path / "sitecustomize.py").write_text(f"import sys\nsys.path.insert(0, {str(tmp_path)!r})")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    code, document, output = regress("main", "main", *CELLS, "--no-speed")
    said = " ".join(output.split())
    assert (code, document) == (2, None)
    assert "another installation shadows it" in said
    assert str(other / "__init__.py") in said
    assert len(planted.git(here, "worktree", "list").splitlines()) == 1


@pytest.fixture
def stores(tmp_path, monkeypatch):
    """Two stores of the same seed, and one of another."""
    monkeypatch.chdir(tmp_path)
    for name, seed in ("one", 0), ("two", 0), ("other", 5):
        assert invoke("run", *CELLS, "--seed", seed, "--out", name).exit_code == 0
    return tmp_path


def metric(document, name):
    return {f["verdict"] for f in document["cells"] if f["metric"] == name}


def test_stores(stores):
    code, document, _ = regress("one", "two", "--no-speed")
    assert (code, document["completeness"]["cells"]) == (0, 3)
    assert {f["verdict"] for f in document["cells"]} == {"identical"}
    assert document["self_check"]["tests"] == 6
    code, document, _ = regress("one", "other", "--no-speed")
    assert code == 4  # 1 % of the variance cannot be told apart with other random numbers
    assert not {f["verdict"] for f in document["cells"]} & {"identical", "regressed"}
    shutil.rmtree(stores / "two" / "blocks")
    _, document, _ = regress("other", "two")
    assert metric(document, "bias") == {"incomparable"}
    assert "incomparable" not in metric(document, "variance")


def test_lines_cut_off_are_left_out_and_counted(stores):
    file = stores / "two" / "records.jsonl"
    first, second, third = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(first + b"{}\n" + second + third[:-30])
    code, document, output = regress("one/records.jsonl", "two/records.jsonl", "--no-speed")
    assert code == 0
    (lost,) = document["completeness"]["lost"]
    assert lost.startswith("two/records.jsonl: 2 lines are no records and left out (line 2: ")
    assert "; line 4: " in lost
    assert lost in " ".join(output.split())
    assert lost in content(document)["completeness"]
    assert document["completeness"]["verdicts"] == dict.fromkeys(
        document["completeness"]["verdicts"], 0
    ) | {"identical": 4, "removed": 1}
    _, document, _ = regress("one", "one")
    assert document["completeness"]["lost"] == []


def test_means_of_blocks_that_are_damaged_are_left_out_and_told(stores):
    file, *_ = sorted((stores / "two" / "blocks").iterdir())
    file.write_bytes(file.read_bytes()[:-30])
    code, document, _ = regress("one", "two", "--no-speed")
    assert code == 0
    (lost,) = document["completeness"]["lost"]
    assert str(file.relative_to(stores)) in lost
    bias = [f["verdict"] for f in document["cells"] if f["metric"] == "bias"]
    assert sorted(bias) == ["identical"] * 3


def worsen(stores):
    """A store in which the variance of one estimator is 10 % more, at another commit."""
    records = list(Store("two"))
    (stores / "two" / "records.jsonl").unlink()
    for record in records:
        record["context"] = record["context"] | {"commit": "f" * 40, "dirty": False}
        if record["estimator"] == "reinforce":
            for name in ("variance", "variance_low", "variance_high"):
                record[name] *= 1.1
            record["variance_jackknife"] = [1.1 * v for v in record["variance_jackknife"]]
        Store("two").append({k: v for k, v in record.items() if k not in ("schema", "checksum")})


def test_a_worse_variance_between_stores(stores):
    worsen(stores)
    code, document, _ = regress("one", "two", "--no-speed")
    assert code == 1
    (found,) = (f for f in document["cells"] if f["verdict"] != "identical" and f["gates"])
    assert (found["estimator"], found["metric"]) == ("reinforce", "variance")
    assert found["ratio"] == pytest.approx(1.1)


def test_the_page_shows_where_a_regressed_cell_stepped_before(stores):
    worsen(stores)
    nights = b"".join((stores / name / "records.jsonl").read_bytes() for name in ("one", "two"))
    step = "variance × 1.100"

    def page(*options):
        assert invoke("regress", "one", "two", *options).exit_code == 1
        return (stores / "regression" / "index.html").read_text().partition("History</h2>")[2]

    assert step not in page()
    for folder in ("nights", "results"):
        (stores / folder).mkdir()
        (stores / folder / "records.jsonl").write_bytes(nights)
        assert step in page(*(["--history", folder] if folder == "nights" else []))
    (stores / "nights" / "records.jsonl").write_text("no record")
    assert step not in page("--history", "nights")
    assert invoke("regress", "one", "two", "--history", "none").exit_code == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("main", "nowhere"), "'nowhere' is no git revision"),
        (("store", "main"), "'store' is a result store and 'main' is not"),
        (("main", "main", "--fail-on", "varience"), "none of variance, bias, speed, memory"),
        (("main", "main", "--to", "a.doc"), "name a folder, or a file in"),
    ],
)
def test_mistakes(here, arguments, said):
    (here / "store").mkdir(exist_ok=True)
    (here / "store" / "records.jsonl").write_text("")
    done = invoke("regress", *arguments)
    assert done.exit_code == 2
    assert said in " ".join(done.output.split())


@pytest.mark.study
@pytest.mark.parametrize("fault", FOUND)
def test_every_fault_is_found_alone(here, fault):
    if FOUND[fault][1] == "speed":
        check_found(fault, "speed,variance,bias")
    else:
        check_found(fault, "variance,bias", "--no-speed")


@pytest.mark.study
def test_float32_sums_in_another_order_do_not_alarm(here):
    code, document, _ = regress(
        branch("float32 forwards"), branch("float32 backwards"), *CELLS, "--no-speed"
    )
    assert code == 0
    moved = {f["verdict"] for f in document["cells"] if f["estimator"] == "reinforce-loo"}
    assert moved == {"unchanged"}


@pytest.mark.study
def test_ten_reports_of_unchanged_code_with_other_seeds(here):
    for seed in range(10):
        code, document, output = regress(
            "main", "main", *CELLS, "-p", "exponential-*", "-p", "bernoulli-*", "--no-speed",
            "--seed", seed, "--head-seed", 1000 + seed,
        )  # fmt: skip
        assert code == 0, output
        assert document["completeness"]["verdicts"]["identical"] == 0
