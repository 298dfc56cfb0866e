"""The decision table of README and docs/decisions.md: `python docs/decisions.py` measures it again.

Every row is a comparison of the whole shelf on one problem of the suite at K = 4. It names who is
best at equal time and who ties with it, what that buys over the score function with leave-one-out,
and the biased estimator one would be tempted by. The numbers are kept in decisions.json.
"""

import json
from pathlib import Path

import pandas

from benchmarks import compare, problems
from reports.frames.recommendation import by_work, tied_with_best, work_ratio
from reports.text import numbers

HERE = Path(__file__).parent
DATA, PAGE, README = HERE / "decisions.json", HERE / "decisions.md", HERE.parent / "README.md"
BEGIN, END = "<!-- decisions -->", "<!-- end -->"
SAMPLES, REPLICATES = 4, 2000
BASELINE = "reinforce-loo"
ROWS = {  # a problem: the law, the cost, and what one has
    "normal-10-quadratic": ("Normal, 10 dimensions", "smooth, differentiable"),
    "normal-cosine": ("Normal", "oscillates within the law's width"),
    "normal-step": ("Normal", "a jump, no derivative"),
    "gamma-quadratic": ("Gamma", "smooth, differentiable"),
    "von-mises-cosine": ("von Mises (an angle)", "smooth, differentiable"),
    "poisson-quadratic": ("Poisson (counts)", "any"),
    "bernoulli-quadratic": ("one Bernoulli", "any"),
    "bernoulli-10-quadratic": ("10 Bernoullis", "any"),
    "one-hot-quadratic": ("categorical, one-hot", "any"),
    "subset-quadratic": ("k of n", "any"),
    "ranking-dcg": ("an ordering of n", "any"),
}


def main() -> None:
    """Measure every row, keep the numbers after each, and write both tables."""
    found = {}
    for name in ROWS:
        found[name] = decide(measured(name))
        DATA.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")
        print(name, found[name]["best"], flush=True)
    write(found)


def measured(name: str, estimators=None, replicates: int = REPLICATES) -> pandas.DataFrame:
    """The whole shelf, or the `estimators` named, on one problem of the suite."""
    return compare(problems.load(name), estimators, samples=SAMPLES, replicates=replicates)


def decide(frame: pandas.DataFrame) -> dict:
    """Who is best at equal time, who ties, over what, and who is biased though quieter."""
    rows = by_work(frame)
    fair = rows[rows["eligible"] & rows["work_variance"].notna()]
    best, tied, _ = tied_with_best(fair)
    names = dict.fromkeys([best["label"], *(fair.loc[i, "label"] for i in tied)])
    against = fair[fair["estimator"] == BASELINE]
    exact = bool(best["variance"] == 0)
    ratio = None
    if not against.empty and not exact:
        ratio = [float(value) for value in work_ratio(against.iloc[0], best)]
    tempting = rows[rows["biased"] & (rows["work_variance"] < best["work_variance"])]
    return {
        "best": list(names),
        "exact": exact,
        "variance": [float(best[f"variance{end}"]) for end in ("", "_low", "_high")],
        "over_baseline": ratio,
        "biased_but_quieter": list(dict.fromkeys(tempting["label"])),
        "bias_limit": None if exact else float(best["bias_limit"]),
    }


def write(found: dict) -> None:
    """The page, and the table in README."""
    table = "\n".join(_table(found))
    PAGE.write_text(
        "# Which estimator?\n\nThe whole shelf on one problem a row, K = "
        f"{SAMPLES}, R = {REPLICATES:,}, at equal time on one core; made by `python "
        "docs/decisions.py`.\nTies are named together. *Gain* is the work of "
        f"`{BASELINE}` over that of the best. The commands\nmeasure a row again; what holds for a "
        "law and a cost of yours, `gradmeter compare` says.\n\n" + table + "\n"
    )
    before, _, rest = README.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    README.write_text(f"{before}{BEGIN}\n{_short(table)}\n{END}{after}")


def _table(found: dict) -> list[str]:
    head = ("law", "cost", "use (K = 4)", "gain", "biased, though quieter", "measured by")
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for name, row in found.items():
        law, cost = ROWS[name]
        best = " = ".join(f"`{each}`" for each in row["best"][:3])
        best += f" and {len(row['best']) - 3} more" if len(row["best"]) > 3 else ""
        gain = "exact" if row["exact"] else "–"
        if row["over_baseline"]:
            gain = numbers.interval(*row["over_baseline"])
        beware = ", ".join(f"`{each}`" for each in row["biased_but_quieter"][:2]) or "–"
        lines.append(
            f"| {law} | {cost} | {best} | {gain} | {beware} | "
            f"`gradmeter run -p {name} -K {SAMPLES} -R {REPLICATES}` |"
        )
    return lines


def _short(table: str) -> str:
    """Without the last column, which the page has."""
    return "\n".join(line.rsplit("|", 2)[0] + "|" for line in table.splitlines())


if __name__ == "__main__":
    main()
