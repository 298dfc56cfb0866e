"""What to use on one problem, at equal time, in one paragraph computed from the numbers."""

import math

import pandas

from benchmarks.truth.mean_agreement import DIFFER
from reports.frames.batch_noise import about_batch
from reports.frames.rankings import prepare, ratio
from reports.text import numbers
from reports.text.phrases import listed

TIED = 1.0  # the interval of a ratio of work reaches this: not told apart


def by_work(frame: pandas.DataFrame) -> pandas.DataFrame:
    """Measured cells: those not shown to be biased by variance × seconds, then the biased ones.

    Adds `dominates`: the number of averaged estimates at which the bias starts to outweigh the
    noise that is left, V / ‖bias‖², for the biased.
    """
    rows = prepare(frame).query("status == 'ok'").copy()
    of_bias = rows["bias2"].where(rows["biased"] & (rows["bias2"] > 0))
    rows["dominates"] = rows["variance"] / of_bias
    order = ["eligible", "biased", "work_variance", "label"]
    return rows.sort_values(order, ascending=[False, True, True, True], ignore_index=True)


def work_ratio(row: pandas.Series, best: pandas.Series) -> tuple[float, float, float]:
    """work_variance of `row` over that of `best`, with a 95 % interval.

    The variances are paired where they share their random numbers, the times as if independent.
    """
    value = row["work_variance"] / best["work_variance"]
    halves = [_half(r, "work_variance") for r in (row, best)]
    times = [_half(r, "seconds") for r in (row, best)]
    if not any(map(math.isnan, times)):
        apart, _, high = ratio(row, best)
        halves = [*times, math.log(high / apart) if 0 < apart < math.inf else 0.0]
    half = math.hypot(*halves)
    return value, value * math.exp(-half), value * math.exp(half)


def tied_with_best(fair: pandas.DataFrame) -> tuple[pandas.Series, list, tuple | None]:
    """Of eligible rows by work: the best, the indices of all not told apart from it, and the rest.

    The last is the index of the first that is told apart, with its `work_ratio`; None if all tie.
    Without any variance, the fastest is best and all others without variance tie.
    """
    exact = fair[fair["variance"] == 0]
    if not exact.empty:
        return exact.sort_values("seconds").iloc[0], [*exact.index], None
    best, tied, apart = fair.iloc[0], [], None
    for index, row in fair.iterrows():
        found = work_ratio(row, best)
        if found[1] <= TIED:
            tied.append(index)
        elif apart is None:
            apart = index, found
    return best, tied, apart


def recommend(frame: pandas.DataFrame) -> str:
    """One paragraph: the best at equal time, what it is compared with, and what to beware of.

    Nobody is named as good who is called biased at any K of the table.
    """
    rows = by_work(frame)
    called = {*rows.loc[_called_biased(rows), "label"]}
    fair = rows[rows["eligible"] & ~rows["label"].isin(called)]
    noiseless = fair[fair["variance"] == 0]
    exact = noiseless[noiseless["bias_verdict"].eq("unbiased").fillna(False)]
    noisy = fair[fair["work_variance"] > 0]
    about = [*_about_biased(rows), *_about_noiseless(noiseless.drop(exact.index))]
    if not exact.empty:
        fastest = exact.sort_values("seconds").iloc[0]
        start = f"Use {_named(fastest)}: its gradient is exact, without noise or bias."
        return " ".join([start, *about_batch(rows, fastest["label"]), *about])
    if noisy.empty:
        return " ".join(["Nothing measured here is free of shown bias.", *about])
    warning = _about_truth(rows, noisy.iloc[0])
    best = _best(noisy, hedged=bool(warning))
    return " ".join([*warning, best, *about_batch(rows, noisy.iloc[0]["label"]), *about])


def _best(fair: pandas.DataFrame, hedged: bool) -> str:
    """The quietest at equal time, who ties with it, and the next."""
    best = fair.iloc[0]
    others = fair[fair["label"] != best["label"]].drop_duplicates("label")
    ratios = [(row, work_ratio(row, best)) for _, row in others.iterrows()]
    tied = [_named(row) for row, (_, low, _) in ratios if low <= TIED]
    apart = [(row, ratio) for row, ratio in ratios if ratio[1] > TIED]
    sentence = f"By noise alone: {_named(best)}" if hedged else f"Use {_named(best)}"
    if tied:
        sentence += f", or {' or '.join(tied)}, which the intervals do not tell apart from it"
    if apart:
        row, ratio = apart[0]
        sentence += f": {numbers.interval(*ratio)} × less variance than {_named(row)} at equal time"
    return sentence + "."


def _called_biased(rows: pandas.DataFrame) -> pandas.Series:
    """Whether the table calls a row biased, by its own test or after Holm's correction."""
    return rows["biased"] | rows["bias_verdict"].eq("biased").fillna(False)


def _about_truth(rows: pandas.DataFrame, best: pandas.Series) -> list[str]:
    """Why nobody can be recommended without a reserve: means disagree, or no truth is known."""
    reasons = rows["reason"].dropna().unique()
    apart = [reason for reason in reasons if DIFFER in reason]
    if apart:
        return ["Nothing can be recommended before it is known who is right:", *apart[:1]]
    if best["bias_verdict"] == "no truth":
        return ["No exact gradient is known here, so that no bias is excluded."]
    if pandas.notna(best["reason"]):
        return [f"Beware: {best['reason']}"]
    return []


def _half(row: pandas.Series, name: str) -> float:
    """Half the width of an interval on the log scale; NaN where there is none."""
    low, high = row.get(f"{name}_low", math.nan), row.get(f"{name}_high", math.nan)
    return math.log(high / low) / 2 if low > 0 else math.nan


def _about_biased(rows: pandas.DataFrame) -> list[str]:
    """For each biased estimator its length and direction, and when its bias outweighs its noise."""
    sentences = []
    biased = rows[_called_biased(rows)].sort_values("biased", ascending=False, kind="stable")
    for _, row in biased.drop_duplicates("label").iterrows():
        if not row["biased"]:
            sentences.append(f"{_named(row)} is suspected of bias.")
            continue
        count = row["dominates"]
        known = pandas.notna(count)
        above = (
            f"above {math.ceil(count):,} averaged estimates" if known and count > 1 else "at once"
        )
        said = f"{row['label']} is biased, and its bias exceeds the noise {above}"
        sentences.append(f"{said}{_shape(row)}.")
    return sentences


def _shape(row: pandas.Series) -> str:
    """Length and direction of a mean gradient, where they are known: what rescaling cannot mend."""
    told, scale = row.get("direction_verdict"), row.get("scale", math.nan)
    if not isinstance(told, str) or told not in ("parallel", "turned") or scale != scale:
        return ""
    length = f"its length is {numbers.number(scale, 2)} of the gradient's"
    if told == "parallel":
        return f" ({length}, its direction is right)"
    off = numbers.percent(row["direction_bias"])
    return f" ({length}, and its direction is off by {off}, which no rescaling mends)"


def _about_noiseless(rows: pandas.DataFrame) -> list[str]:
    """Who has no noise, while nothing shows that it has no bias either."""
    names = rows["label"].unique()
    if not len(names):
        return []
    have = "have" if len(names) > 1 else "has"
    return [f"{listed(names)} {have} no noise at all, but whether that is unbiased is not known."]


def _named(row: pandas.Series) -> str:
    return f"{row['label']} (K = {row['samples']})"
