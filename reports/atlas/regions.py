"""Who wins where, from the atlas' data: the winner and its ties at every point of a map."""

import re

import pandas

from reports.atlas.evaluations import per_evaluation, winner

POINT = re.compile(r"atlas-([\w-]+)\[(\w+)=([^,]+),(\w+)=([^\]]+)\]")
TEMPERATURE = re.compile(r'"temperature": ([\d.e-]+)')
PLAIN = "reinforce-loo"
SPENT = tuple(10.0**power for power in range(1, 7))  # evaluations, of the map of temperatures


def names(table: pandas.DataFrame) -> list[str]:
    """The maps that the data has points of, in the order of the alphabet."""
    found = table["problem"].map(POINT.fullmatch).dropna()
    return sorted({match[1] for match in found})


def region(table: pandas.DataFrame, name: str) -> pandas.DataFrame:
    """One row per point of the map `name`: who has the least variance × evaluations there.

    - `table`: the atlas' data.

    Columns: both axes by their names, `best` (the winner and all not told apart from it), `next`
    and `ratio`, `ratio_low`, `ratio_high`: its work over the winner's, 95 %. Estimators that the
    registry or the data call biased are left out.
    """
    frame = per_evaluation(table)
    rows = []
    for problem, part in frame.groupby("problem", sort=False):
        match = POINT.fullmatch(problem)
        if match and match[1] == name:
            point = {match[2]: float(match[3]), match[4]: float(match[5])}
            rows.append(point | _won(part))
    axes = list(rows[0])[:2] if rows else []
    return pandas.DataFrame(rows).sort_values(axes, ignore_index=True) if rows else _EMPTY


def temperatures(table: pandas.DataFrame, problem: str) -> pandas.DataFrame:
    """One row per temperature and number of evaluations spent: who has the least squared error.

    With n = evaluations spent / evaluations of one estimate averaged, the error is
    ‖bias‖² + variance / n, ‖bias‖² = 0 for those that are unbiased. Everybody's interval is made
    of those of its two parts; tied are those whose intervals meet. Compared are the relaxations at
    that temperature and reinforce-loo, which is unbiased and needs nothing but the density.
    """
    frame = per_evaluation(table)
    part = frame[(frame["problem"] == problem) & (frame["status"] == "ok")]
    at = part["config"].str.extract(TEMPERATURE, expand=False).astype(float)
    relaxed = part[part["estimator"].str.startswith("gumbel") & ~part["eligible"]]
    unbiased = part[part["estimator"] == PLAIN]
    rows = []
    for temperature in sorted(at.loc[relaxed.index].dropna().unique()):
        among = pandas.concat([relaxed[at.loc[relaxed.index] == temperature], unbiased])
        for spent in SPENT:
            point = {"temperature": temperature, "evaluations": spent}
            rows.append(point | _least_error(among, spent))
    return pandas.DataFrame(rows)


_EMPTY = pandas.DataFrame({"best": []})


def _won(part: pandas.DataFrame) -> dict:
    found = winner(part)
    if found is None:
        return {"best": []}
    _, tied, following = found
    row = {"best": sorted(tied["label"].unique())}
    if following is not None:
        (other, ratio) = following
        row |= {"next": other["label"], "ratio": ratio[0]}
        row |= {"ratio_low": ratio[1], "ratio_high": ratio[2]}
    return row


def _least_error(among: pandas.DataFrame, spent: float) -> dict:
    averaged = spent / among["evaluations"]
    known = averaged >= 1
    biased = ~among["eligible"]
    error = {
        end: among[f"bias2{end}"].clip(lower=0).where(biased, 0)
        + among[f"variance{end}"] / averaged
        for end in ("", "_low", "_high")
    }
    middle = error[""][known]
    if middle.empty:
        return {"best": []}
    best = middle.idxmin()
    tied = known & (error["_low"] <= error["_high"][best])
    apart = middle[~tied]
    row = {"best": sorted(among.loc[tied, "estimator"].unique())}
    if len(apart):
        row |= {"next": among.loc[apart.idxmin(), "estimator"], "ratio": apart.min() / middle[best]}
    return row
