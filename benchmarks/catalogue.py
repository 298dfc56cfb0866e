"""What is registered, as plain rows: the one source of tables in README, reports and `list`."""

import warnings

from torch.distributions import Distribution

import estimators
from benchmarks import problems
from estimators import capabilities
from estimators.families.examples import examples
from estimators.families.offered import offered

MATRIX_SAMPLES = 2


def rows(kind: str) -> list[dict]:
    """Rows about every estimator, problem or family."""
    return {"estimators": _estimators, "problems": _problems, "families": _families}[kind]()


def matrix() -> dict[str, dict[str, str | None]]:
    """For each family and each estimator, why it is refused, or None where it works."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch warns of singular samples of Wishart
        return {
            family: {name: _refusal(name, make()) for name in estimators.names()}
            for family, make in examples().items()
        }


def _refusal(name: str, dist: Distribution) -> str | None:
    """Why an estimator does not do it, also where that is a failure of its code."""
    try:
        return estimators.create(name).unsupported(dist, MATRIX_SAMPLES)
    except RuntimeError as failure:
        return f"{name} fails: {failure}"


def matrix_markdown() -> str:
    """The matrix as it stands in docs/matrix.md: a family a row, an estimator a column."""
    cells = matrix()
    columns = list(next(iter(cells.values())))
    lines = [
        "# Which estimator works on which family",
        "",
        f"Made by `gradmeter list --matrix --markdown`, with K = {MATRIX_SAMPLES}: ✓ works, – is",
        "refused; `gradmeter list --matrix --json` gives the reasons.",
        "",
        "| family | " + " | ".join(columns) + " |",
        "|---|" + "---|" * len(columns),
    ]
    for family, row in cells.items():
        marks = ("✓" if row[name] is None else "–" for name in columns)
        lines.append(f"| {family} | " + " | ".join(marks) + " |")
    return "\n".join(lines)


def markdown() -> str:
    """The table of estimators as it stands in docs/estimators.md."""
    lines = [
        "# The estimators",
        "",
        "Made by `gradmeter list --markdown`. [The matrix](matrix.md): which works on which law.",
        "",
        "| estimator | | unbiased | source |",
        "|---|---|---|---|",
    ]
    for row in _estimators():
        unbiased = "yes" if row["unbiased"] else "no"
        preset = (f"{field} {_short(value)}" for field, value in row["preset"].items())
        summary = "; ".join([row["summary"].removesuffix("."), *preset])
        lines.append(f"| `{row['name']}` | {summary} | {unbiased} | {row['source']} |")
    return "\n".join(lines)


def _short(value) -> str:
    """A field's value in few characters: the type of an object, true and false as in JSON."""
    return value["type"] if isinstance(value, dict) else str(value).lower()


def _estimators() -> list[dict]:
    return [estimators.about(name) for name in estimators.names()]


def _problems() -> list[dict]:
    quick = set(problems.names("quick"))
    found = []
    for name in problems.names():
        problem = problems.load(name)
        found.append(
            {
                "name": name,
                "suite": "quick" if name in quick else "full",
                "distribution": capabilities.describe(problem.dist()),
                "parameters": {k: list(v.shape) for k, v in problem.measured.items()},
                "summary": problem.summary,
            }
        )
    return found


def _families() -> list[dict]:
    """Each family of the example table, and the capabilities that its example has."""
    return [{"name": name, "capabilities": offered(make())} for name, make in examples().items()]
