"""Whatever comes in as a store, a parameter or an argument: a record, a result or one sentence."""

import json
import os
import random
import re
import shutil

import pytest
from click.testing import CliRunner
from planted_records import record, refused

import reports
from benchmarks import ProblemError
from benchmarks.objective.costs import COSTS
from benchmarks.objective.loading import problem_from
from benchmarks.store import record_lines, store, verify
from benchmarks.validation.interface_checks import check
from gradmeter import main

LINES, PARAMETERS, COMMANDS = 10_000, 400, 60
ODD = [None, True, -1, 0, 1, 2**63, -(10**30), 1.5, -0.0, 1e308, 5e-324, "", "x", "NaN", "λ\0\n"]
ODD += [[], [[]], {}, {"a": [1]}, [None] * 3, "<script>alert(1)</script>", "$\\frac{$", "../../x"]
ODD += ["9" * 400, [1e308] * 9, "{", "%s{}", "\ud83d\ude00", "😀", "=1+1", "A" * 5000]
RAW = [b"NaN", b"Infinity", b"1e999", b"-1e999", b'"\\ud800"', b"\xff\xfe", b"1" * 5000, b"\0"]
RAW += [b"[" * 100_000, b'{"a":' * 3000, b"0x1F", b"1_000", b"'a'", b"\xef\xbb\xbf", b"\r", b"\n"]


def real(choose):
    """A record such as the runner writes."""
    row = record("toy", choose.choice("abc"), choose.choice((1, 4)))
    row = row if choose.random() < 0.8 else refused("toy", "d")
    return {key: value for key, value in row.items() if key != "schema"}


def changed(choose):
    """A record that is right in form, with values of wrong kinds or sizes in it."""
    row = real(choose)
    for _ in range(choose.randint(0, 3)):
        row[choose.choice([*store.COLUMNS, "context", "schema", "more"])] = choose.choice(ODD)
    if choose.random() < 0.2:
        row["context"] = {choose.choice([*store.CONTEXT, "variance", ""]): choose.choice(ODD)}
    return row


def mutated(choose):
    """The bytes of a line: cut, flipped, with other values, repeated keys, wrong encodings."""
    row = changed(choose)
    plain = json.dumps({"schema": choose.choice((1, 1, 1, 2, 3)), **row}).encode()
    how = choose.randrange(8)
    if how == 0:
        return record_lines.encode(row)  # with the right checksum
    line = bytearray(record_lines.encode(real(choose)) if how < 3 else plain)
    place = choose.randrange(len(line))
    if how == 1:
        line[place] ^= 1 << choose.randrange(8)
    elif how == 2:
        del line[place : place + choose.choice((1, 5, 10**6))]
    elif how == 3:
        start, end = choose.choice(
            [value.span() for value in re.finditer(rb"(?<=: )(null|[-+.e\d]+)", line)]
        )
        line[start:end] = choose.choice(RAW)
    elif how == 4:
        line[-1:] = b', "variance": ' + choose.choice(RAW) + b"}"
    elif how == 5:
        line[-1:] = b", " + bytes(line[1:])  # every key twice
    elif how == 6:
        line = bytearray(bytes(line).decode().encode(choose.choice(("utf-16", "utf-8-sig"))))
    return bytes(line)


def read_and_report(choose, folder, count):
    """Feed so many lines through every reader of a store; how many of them were records."""
    lines = [mutated(choose) for _ in range(count)] + [record_lines.encode(record("toy", "a"))]
    (folder / "records.jsonl").write_bytes(b"\n".join(lines) + b"\n")
    damaged = []
    frame = reports.load(folder, latest=False, damaged=damaged)
    found = list(store.read(folder / "records.jsonl"))
    assert len(found) == len(frame) > 0
    assert all(damage.reason and "\n" not in damage.reason for damage in damaged)
    assert len(verify.verify(folder).wrong) >= len(damaged)
    return frame


@pytest.mark.parametrize("seed", range(5))
def test_mutated_lines_are_records_or_are_named(tmp_path, seed):
    frame = read_and_report(random.Random(seed), tmp_path, LINES // 5)
    assert len(frame) > LINES // 5 / 20


@pytest.mark.study
@pytest.mark.parametrize("seed", range(100, 150))
def test_many_mutated_lines(tmp_path, seed):
    read_and_report(random.Random(seed), tmp_path, LINES)


@pytest.mark.parametrize("seed", range(3))
def test_a_report_of_hostile_records_is_a_page_or_a_sentence(tmp_path, seed):
    publish_hostile(tmp_path, random.Random(seed), rounds=2)


@pytest.mark.study
@pytest.mark.parametrize("seed", range(100, 140))
def test_many_reports_of_hostile_records(tmp_path, seed):
    publish_hostile(tmp_path, random.Random(seed), rounds=20)


def publish_hostile(folder, choose, rounds):
    for turn in range(rounds):
        rows = [real(choose), *(changed(choose) for _ in range(11))]
        file = folder / f"{turn}.jsonl"
        file.write_bytes(b"".join(map(record_lines.encode, rows)))
        done = CliRunner().invoke(main, ["report", str(file), "--to", str(folder / "page")])
        understood(done, ["report", str(file)])
        assert done.exit_code == 0, done.output


def understood(done, arguments):
    """It ended in an exit status of ours; a mistake is a sentence, and nothing is a traceback."""
    said = (arguments, done.output[-2000:])
    assert done.exception is None or isinstance(done.exception, SystemExit), (said, done.exc_info)
    assert done.exit_code in (0, 1, 2, 3, 4), said
    assert "Traceback" not in done.output, said
    if done.exit_code == 2:
        assert "Error: " in done.stderr, said


FAMILIES = {"Gamma": ("concentration", "rate"), "Normal": ("loc", "scale"), "Bernoulli": ("probs",)}
FAMILIES |= {"Dirichlet": ("concentration",), "Binomial": ("total_count", "probs"), "Poisson": ()}
VALUES = ["1", "0", "-1", "1e308", "1e-320", "[1,2]", "[]", "[[1],[2]]", "[1,[2]]", "nan", "NaN"]
VALUES += ["Infinity", "true", "null", '"x"', "{}", "[" * 3000, "9" * 5000, "", "1_0", "0x1", "½"]


@pytest.mark.parametrize("seed", range(4))
def test_parameters_of_problems_are_taken_or_refused_in_a_sentence(seed):
    choose = random.Random(seed)
    taken = 0
    for _ in range(PARAMETERS // 4):
        family = choose.choice([*FAMILIES, "Norml", "", "kl_divergence"])
        names = [*FAMILIES.get(family, ())]
        names += [choose.choice(["x", "validate_args", "", "family"])] * (choose.random() < 0.2)
        names = names[: choose.choice((len(names), len(names), 1))]
        settings = [f"{n}={choose.choice(VALUES[:6] * 3 + VALUES)}" for n in names]
        cost = choose.choice([*COSTS, "cubic", None, ""])
        taken += fits(f"torch.distributions:{family}", settings, cost)
    assert 0 < taken < PARAMETERS // 4


def fits(target, settings, cost):
    try:
        check(problem_from(target, settings, cost))
    except ProblemError as mistake:
        return len(str(mistake)) < 20
    return True


@pytest.mark.parametrize("seed", range(4))
def test_problem_files_with_odd_parameters(seed, tmp_path):
    choose = random.Random(seed)
    torch_values = ["torch.tensor(1.0)", "torch.ones(0)", "torch.ones(2, 0)", "torch.tensor(1)"]
    torch_values += ["1.0", "None", "torch.full((3,), torch.nan)", "torch.tensor(1j)", "torch.ones"]
    torch_values += ["torch.tensor(-1.0)", "torch.ones(2).half()", "torch.ones(2).to_sparse()"]
    costs = ["lambda x: x", "lambda: 0", "lambda x: None", "lambda x: x[0]", "lambda x: x.exp()"]
    costs += [
        "None",
        "lambda x, d: d.loc",
        "lambda x: x.sum()",
        "lambda x: x / 0",
        "lambda x: 1 / 0",
    ]
    for turn in range(12):
        loc, scale = choose.choices(torch_values, k=2)
        file = tmp_path / f"p{turn}.py"
        file.write_text(
            "import torch\nfrom torch.distributions import Normal\nfrom benchmarks import Problem\n"
            f"problem = Problem('p', {{'loc': {loc}, 'scale': {scale}}}, Normal, "
            f"{choose.choice(costs)})\n"
        )
        arguments = ["compare", str(file), "-R", "100", "-K", "1", "-e", "pathwise"]
        understood(CliRunner().invoke(main, arguments), file.read_text())


COUNTS = ["1", "1,2", "0", "-1", "", "x", "1,,2", "1.5", "١", "2,2", "9" * 30]
NUMBERS = ["100", "150", "0", "-5", "x", "", "1e3", "99"]
NAMES = [
    "pathwise",
    "reinforce",
    "pathwize",
    "*",
    "",
    "[",
    "pathwise:x=1",
    "gumbel-softmax:",
    ":",
    "😀",
]
PATHS = [
    "{tmp}/store",
    "{tmp}/file",
    "{tmp}/absent",
    "{tmp}",
    "/dev/null",
    "/proc/x",
    "",
    "{tmp}/a\nb",
]
OPTIONS = {
    "-K": COUNTS,
    "-R": NUMBERS,
    "-p": ["normal-linear", "bernoulli-quadratic", "normal-linea", "[", "", "\t"],
    "--precision": ["0.5", "0", "-1", "nan", "inf", "x", "2"],
    "--device": ["cpu", "cuda", "cpu:99", "meta", "x", ""],
    "--seed": ["0", "-1", "x", "9" * 30],
    "--out": PATHS,
    "--suite": ["quick", "slow"],
    "--workers": ["-1", "x"],
}
TAME = {"run": ["-p", "normal-linear", "-e", "pathwise", "-K", "1", "-R", "100"]}
TAME["compare"] = ["torch.distributions:Normal", "loc=0", "scale=1", "--cost", "linear"]
TAME["compare"] += ["-e", "pathwise", "-K", "1", "-R", "100"]


def arguments(choose, folder):
    """The words of one command: most of them right, some wrong."""
    path = choose.choice(PATHS).format(tmp=folder)
    verb = choose.choice(["run", "run", "compare", "report", "store", "list", "doctor", "odd"])
    if verb in TAME:
        words = [verb, *TAME[verb], "--out", f"{folder}/out{choose.randrange(99)}.csv"]
        for _ in range(choose.randint(0, 3)):
            option = choose.choice([o for o in OPTIONS if verb == "run" or o not in ("-p",)])
            words += [option, choose.choice(OPTIONS[option]).format(tmp=folder)]
        return words + ["-e", choose.choice(NAMES)] * (choose.random() < 0.3)
    if verb == "report":
        return [verb, path, "--to", choose.choice(PATHS[:4]).format(tmp=folder) + "/page"]
    if verb == "store":
        what = choose.choice(["verify", "merge", "export", "prune", "x"])
        to = choose.choice(PATHS).format(tmp=folder) + choose.choice(["", ".csv", ".parquet", "/n"])
        if path == "/dev/null" or to.startswith("/dev"):
            path = to = f"{folder}/absent"
        return [verb, what, path, *(["--to", to] if choose.random() < 0.7 else [])]
    if verb == "list":
        return [
            verb,
            choose.choice(["problems", "families", "x", ""]),
            choose.choice(["--json", "-x"]),
        ]
    return [
        choose.choice(["doctor", "", "--", "-x", "--with", "😀", "runn"]),
        choose.choice(["--json", path]),
    ]


@pytest.mark.parametrize("seed", range(3))
def test_command_lines_are_done_or_refused_in_a_sentence(seed, tmp_path, monkeypatch):
    command_lines(random.Random(seed), tmp_path, monkeypatch, COMMANDS // 3)


@pytest.mark.study
@pytest.mark.parametrize("seed", range(100, 120))
def test_many_command_lines(seed, tmp_path, monkeypatch):
    command_lines(random.Random(seed), tmp_path, monkeypatch, 100)


def command_lines(choose, folder, monkeypatch, count):
    monkeypatch.chdir(folder)
    (folder / "file").write_text("x")
    for _ in range(count):
        shutil.rmtree(folder / "store", ignore_errors=True)
        os.makedirs(folder / "store")
        lines = [mutated(choose) for _ in range(5)] + [record_lines.encode(record("toy", "a"))]
        (folder / "store/records.jsonl").write_bytes(b"\n".join(lines))
        words = arguments(choose, folder)
        understood(CliRunner().invoke(main, words), words)
