"""What is registered, as plain rows: the one source of tables in README, reports and `list`."""

import estimators
from benchmarks import problems
from estimators import families


def rows(kind: str) -> list[dict]:
    """Rows about every estimator, problem or family."""
    return {"estimators": _estimators, "problems": _problems, "families": _families}[kind]()


def markdown() -> str:
    """The table of estimators as it stands in the README."""
    lines = ["| estimator | | unbiased | source |", "|---|---|---|---|"]
    for row in _estimators():
        unbiased = "yes" if row["unbiased"] else "no"
        summary = row["summary"].removesuffix(".")
        lines.append(f"| `{row['name']}` | {summary} | {unbiased} | {row['source']} |")
    return "\n".join(lines)


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
                "distribution": families.describe(problem.dist()),
                "parameters": {k: list(v.shape) for k, v in problem.measured.items()},
                "summary": problem.summary,
            }
        )
    return found


def _families() -> list[dict]:
    """Each distribution that some capability is registered for, and which capabilities."""
    capabilities = {
        name: getattr(families, name)
        for name in ("bounds", "cdf", "implicit", "logits", "perturbed_logits", "soften", "harden")
    }
    known = {cls for c in capabilities.values() for cls in c.registry if cls is not object}
    return [
        {
            "name": cls.__name__,
            "capabilities": sorted(n for n, c in capabilities.items() if cls in c.registry),
        }
        for cls in sorted(known, key=lambda cls: cls.__name__)
    ]
