"""The decision table of README and docs/decisions.md: `python docs/decisions.py`.

Every row is one problem of the atlas (docs/atlas/atlas.parquet): who is exact, who is best at
equal numbers of cost evaluations among those that draw, who ties, what that buys over the score
function with leave-one-out, and the biased estimator one would be tempted by. Nothing is measured.
"""

from pathlib import Path

import pandas

from reports.atlas import data
from reports.atlas.evaluations import per_evaluation, winner
from reports.frames.recommendation import work_ratio
from reports.text import numbers

HERE = Path(__file__).parent
PAGE, README = HERE / "decisions.md", HERE.parent / "README.md"
BEGIN, END = "<!-- decisions -->", "<!-- end -->"
BASELINE = "reinforce-loo"
NAMED = 2  # of those that tie
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
    """Write both tables."""
    write(decisions(data.read(HERE / "atlas")))


def decisions(table: pandas.DataFrame) -> dict[str, dict]:
    """What each row says, from the atlas' data, by problem."""
    frame = per_evaluation(table)
    return {name: decide(frame[frame["problem"] == name]) for name in ROWS}


def decide(rows: pandas.DataFrame) -> dict:
    """Of the rows of one problem: the exact, the best that draws with its ties, and the beware."""
    rows = rows[rows["status"] == "ok"]
    exact = rows[rows["eligible"] & (rows["variance"] == 0)].sort_values("evaluations")
    drawn = rows[rows["eligible"] & (rows["variance"] > 0)]
    best, tied, _ = winner(drawn)
    against = drawn[drawn["estimator"] == BASELINE].iloc[0]
    tempting = rows[rows["biased"] & (rows["work_variance"] < best["work_variance"])]
    tempting = tempting.sort_values("work_variance")
    return {
        "best": list(tied["label"]),
        "learned": list(tied.loc[tied["fit_evaluations"] > 0, "label"]),
        "exact": [(row["label"], int(row["evaluations"])) for _, row in exact.iterrows()],
        "variance": [float(best[f"variance{end}"]) for end in ("", "_low", "_high")],
        "over_baseline": [float(value) for value in work_ratio(against, best)],
        "biased_but_quieter": list(dict.fromkeys(tempting["label"])),
        "samples": int(best["samples"]),
        "replicates": int(best["replicates"]),
    }


def write(found: dict[str, dict]) -> None:
    """The page, and the table in README."""
    table, first = _table(found), next(iter(found.values()))
    text = (
        f"The whole shelf on one problem a row, K = {first['samples']}, R = "
        f"{first['replicates']:,}; made by `python docs/decisions.py` from [the "
        "atlas](atlas/index.md).\nCompared is variance at equal numbers of cost evaluations; ties "
        "(95 %) are named together.\n*Exact*: who has no variance, and how often it asks the cost "
        "for one gradient; that grows with the\nsupport, or with the number of parameters. *Gain* "
        f"is the variance of `{BASELINE}` over that of the best\nat equal evaluations. † learns "
        "first, which is not counted. The commands measure a row again; what holds\nfor a law and "
        "a cost of yours, `gradmeter compare` says."
    )
    PAGE.write_text(f"# Which estimator?\n\n{text}\n\n" + "\n".join(table) + "\n")
    before, _, rest = README.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    README.write_text(f"{before}{BEGIN}\n{short(table)}\n{END}{after}")


def _table(found: dict[str, dict]) -> list[str]:
    head = ("law", "cost", "use (K = 4)", "gain", "exact, at so many evaluations",
            "biased, though quieter", "measured by")  # fmt: skip
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for name, row in found.items():
        best = " = ".join(_marked(each, row["learned"]) for each in row["best"][:NAMED])
        more = len(row["best"]) - NAMED
        best += f" and {more} more" if more > 0 else ""
        gain = "–" if BASELINE in row["best"] else numbers.interval(*row["over_baseline"])
        exact = next((f"`{label}`: {count:,}" for label, count in row["exact"]), "–")
        beware = ", ".join(f"`{each}`" for each in row["biased_but_quieter"][:1]) or "–"
        command = f"`gradmeter run -p {name} -K {row['samples']} --no-timing`"
        cells = (*ROWS[name], best, gain, exact, beware, command)
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def _marked(name: str, learned: list[str]) -> str:
    return f"`{name}`" + (" †" if name in learned else "")


def short(table: list[str]) -> str:
    """Without the last column, which the page has."""
    return "\n".join(line.rsplit("|", 2)[0] + "|" for line in table)


if __name__ == "__main__":
    main()
