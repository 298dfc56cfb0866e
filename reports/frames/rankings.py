"""What a report says, as frames: who is quietest, who is biased, who was refused and why.

Every function takes any frame with the columns of `benchmarks.store.store` and returns a new one.
"""

import json
import math
from collections import Counter
from collections.abc import Mapping

import numpy
import pandas
from scipy.special import stdtrit

from reports.frames.load import complete

LEVEL = 1e-4  # of "biased", family-wise over all cells of a report
MARGIN = 1.01  # variances closer than 1 % are called equal, whatever the interval says
ROUNDING_VARIANCE = {
    "float64": 1e-24,
    "float32": 1e-10,
}  # variance / ‖g‖² that is rounding error alone
PAIRS = 8  # fewest blocks for a paired interval

SETTING = ["samples", "device", "dtype"]
GROUP = ["problem", *SETTING]
ENDS = ["", "_low", "_high"]
CELL = ["problem", "estimator", "config", *SETTING]


def prepare(frame: pandas.DataFrame) -> pandas.DataFrame:
    """One row per cell, with what only the whole report can know. Prepared frames pass unchanged.

    Of several runs of a cell the one with most replicates is kept, then the last. A variance that
    is rounding error alone, of an estimator without randomness, becomes zero. Adds

        label           the estimator, with its configuration where one name has several
        bias_p_holm     `bias_p` after Holm's correction over all cells
        biased          shown to be biased: `bias_p_holm` below 1e-4
        eligible        may be called the quietest: measured, not biased, finite, not always zero
    """
    if "eligible" in frame:
        return frame
    frame = _judged(_rounded(_current(complete(frame))))
    frame["label"] = labels(frame)
    whole = ~(frame["unhealthy"] > 0) & ~(frame["zero"] == 1)
    measured = (frame["status"] == "ok") & frame["variance"].notna()
    frame["eligible"] = (measured & ~frame["biased"] & whole).astype(bool)
    return frame


def every_run(frame: pandas.DataFrame) -> pandas.DataFrame:
    """All records, not one per cell: completed and labelled, rounding error alone as zero."""
    frame = _rounded(complete(frame))
    return frame.assign(label=labels(frame))


def holm(p: pandas.Series) -> pandas.Series:
    """Holm's adjusted p-values of those that are known (Holm 1979); NaN stays NaN."""
    known = p.dropna().sort_values(kind="stable")
    steps = known * numpy.arange(len(known), 0, -1)
    return steps.cummax().clip(upper=1.0).reindex(p.index)


def ranking(frame: pandas.DataFrame) -> pandas.DataFrame:
    """Measured cells, by variance within problem × samples × device × dtype.

    Adds `rank` (among the eligible) and `relative`, the variance as a multiple of the quietest
    eligible one's, with its 95 % interval; `tied`: not shown to be more than 1 % above it.
    A ranking passes unchanged.
    """
    if "tied" in frame:
        return frame
    rows = prepare(frame).query("status == 'ok'")
    order = {problem: place for place, problem in enumerate(rows["problem"].unique())}
    rows = rows.assign(_order=rows["problem"].map(order))
    rows = rows.sort_values(["_order", *SETTING, "variance", "label"], kind="stable")
    rows = rows.drop(columns="_order").reset_index(drop=True)
    ranked = rows["variance"].where(rows["eligible"])
    rows["rank"] = ranked.groupby([rows[key] for key in GROUP], sort=False, dropna=False).rank(
        method="first"
    )
    rows[["relative", "relative_low", "relative_high"]] = _against_best(rows)
    rows["tied"] = rows["eligible"] & (rows["relative_low"] <= MARGIN)
    return rows


def headline(ranked: pandas.DataFrame) -> pandas.DataFrame:
    """Of a ranking, one setting per problem: where most can be compared, then the smallest K."""
    groups = [*zip(*(map(str, ranked[key].tolist()) for key in GROUP), strict=True)]
    order = dict(zip(groups, ranked["samples"].fillna(0).tolist(), strict=True))
    counts = Counter(groups)
    settings = sorted(counts, key=lambda group: group[3], reverse=True)  # of dtypes the last
    settings.sort(key=lambda group: (-counts[group], order[group], group[2]))
    chosen: dict[str, tuple] = {}
    for group in settings:
        chosen.setdefault(group[0], group)
    shown = numpy.array([chosen[group[0]] == group for group in groups], dtype=bool)
    return ranked[shown].reset_index(drop=True)


def refusals(frame: pandas.DataFrame) -> pandas.DataFrame:
    """Cells that an estimator refused, with its reason; settings of one reason share a row."""
    return _reasons(prepare(frame), "refused")


def errors(frame: pandas.DataFrame) -> pandas.DataFrame:
    """Cells that failed, with the reason."""
    return _reasons(prepare(frame), "error")


def cautions(frame: pandas.DataFrame) -> pandas.DataFrame:
    """What to beware of in cells that were measured; settings of one reason share a row."""
    found = _reasons(prepare(frame), "ok")
    return found[found["reason"].notna()].reset_index(drop=True)


def biases(frame: pandas.DataFrame) -> pandas.DataFrame:
    """Cells shown to be biased, worst first, with ‖bias‖ relative to ‖g‖ and its interval.

    Where g = 0 (or its norm is unknown) the bias is relative to √variance, and `of` says so.
    """
    rows = prepare(frame).query("status == 'ok' and biased").copy()
    no_gradient = ~(rows["gradient_norm"] > 0)
    size = rows["gradient_norm"].mask(no_gradient, rows["variance"] ** 0.5)
    rows["of"] = numpy.where(no_gradient, "√variance", "‖g‖")
    for end in ENDS:
        norm = rows[f"bias2{end}"].clip(lower=0) ** 0.5
        rows[f"relative_bias{end}"] = (norm / size).where(size > 0)
    order = ["relative_bias", "problem", "label", "samples"]
    return rows.sort_values(order, ascending=[False, True, True, True], ignore_index=True)


def _current(frame: pandas.DataFrame) -> pandas.DataFrame:
    newest = frame["replicates"].fillna(0).sort_values(kind="stable").index
    kept = frame.loc[newest].drop_duplicates(CELL, keep="last").index
    return frame.loc[frame.index.isin(kept)].reset_index(drop=True)


def _rounded(frame: pandas.DataFrame) -> pandas.DataFrame:
    share = frame["dtype"].map(ROUNDING_VARIANCE).astype("float64")
    noise = frame["variance"] < share * frame["gradient_norm"] ** 2
    names = [f"{name}{end}" for name in ("variance", "work_variance") for end in ENDS]
    return frame.assign(**{name: frame[name].mask(noise, 0.0) for name in names})


def _judged(frame: pandas.DataFrame) -> pandas.DataFrame:
    adjusted = holm(frame["bias_p"].where(frame["status"] == "ok"))
    exact = (frame["bias_verdict"] == "biased").fillna(False) & frame["bias_p"].isna()
    return frame.assign(bias_p_holm=adjusted, biased=((adjusted < LEVEL) | exact).astype(bool))


def labels(frame: pandas.DataFrame) -> pandas.Series:
    """The estimator's name; with several configurations also the fields in which they differ."""
    pairs = [*zip(frame["estimator"].tolist(), frame["config"].fillna("{}").tolist(), strict=True)]
    configs: dict[str, dict[str, dict]] = {}  # of each estimator, by how they are written
    for name, text in dict.fromkeys(pairs):
        configs.setdefault(name, {})[text] = json.loads(text)
    called = {}
    for name, own in configs.items():
        written = [{key: json.dumps(v) for key, v in config.items()} for config in own.values()]
        keys = sorted({key for config in written for key in config})
        differ = [key for key in keys if len({config.get(key) for config in written}) > 1]
        for text, config in own.items():
            fields = ", ".join(f"{key} {config[key]}" for key in differ if key in config)
            called[name, text] = f"{name} ({fields})" if differ else name
    return pandas.Series([called[pair] for pair in pairs], frame.index, dtype=object)


def _against_best(rows: pandas.DataFrame) -> numpy.ndarray:
    """For each row its `ratio` to the quietest eligible one of its group, which comes first."""
    names = ["variance", "variance_low", "variance_high", "seed", "replicates", "eligible"]
    names += ["variance_jackknife", *GROUP]
    columns = (rows[name].tolist() for name in names)
    records = [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)]
    best: dict[tuple, dict] = {}
    for row in records:
        row["group"] = tuple(str(row[key]) for key in GROUP)
        if row["eligible"]:
            best.setdefault(row["group"], row)
    unknown = (math.nan, math.nan, math.nan)
    ratios = [ratio(row, best[row["group"]]) if row["group"] in best else unknown
              for row in records]  # fmt: skip
    return numpy.array(ratios, dtype=float).reshape(-1, 3)


def ratio(row: Mapping, other: Mapping) -> tuple[float, float, float]:
    """The variance of `row` over that of `other`, with a 95 % interval.

    Paired by the jackknife over blocks of replicates where both were measured on the same ones;
    otherwise from the two intervals as if independent.
    """
    ours, theirs = float(row["variance"]), float(other["variance"])
    if ours == theirs or not theirs > 0:
        value = 1.0 if ours == theirs else math.inf
        return value, value, value
    half = math.hypot(_half_width(row), _half_width(other))
    same = all(str(row[key]) == str(other[key]) != "<NA>" for key in ("seed", "replicates"))
    if same and str(row.get("generator")) == str(other.get("generator")):
        half = _paired_half_width(_jackknife(row), _jackknife(other), half)
    scale = math.exp(min(half, 700.0))
    return ours / theirs, ours / theirs / scale, ours / theirs * scale


def _paired_half_width(ours: numpy.ndarray, theirs: numpy.ndarray, otherwise: float) -> float:
    """Of the log ratio, by the jackknife over blocks: half = t √((B−1)/B Σ(ℓ₋ᵦ − ℓ̄)²)."""
    blocks = len(ours)
    if not blocks == len(theirs) >= PAIRS or not (ours > 0).all() or not (theirs > 0).all():
        return otherwise
    logs = numpy.log(ours) - numpy.log(theirs)
    return stdtrit(blocks - 1, 0.975) * logs.std() * (blocks - 1) ** 0.5


def _jackknife(row: Mapping) -> numpy.ndarray:
    return numpy.atleast_1d(numpy.array(row["variance_jackknife"], dtype=float))


def _half_width(row: Mapping) -> float:
    low, high = row["variance_low"], row["variance_high"]
    return (math.log(high) - math.log(low)) / 2 if low > 0 and high > 0 else math.nan


def _reasons(frame: pandas.DataFrame, status: str) -> pandas.DataFrame:
    """Who gave which reason on which problem, with every K, in the order of the cells."""
    keys = ["problem", "label", "reason"]
    shown = (frame["status"] == status).fillna(False).to_numpy(dtype=bool)
    settings: dict[tuple, set[int]] = {}
    if shown.any():
        columns = [frame[name].to_numpy(dtype=object)[shown] for name in (*keys, "samples")]
        known = [numpy.where(pandas.isna(values), None, values).tolist() for values in columns]
        for *key, samples in zip(*known, strict=True):
            own = settings.setdefault(tuple(key), set())
            if samples is not None:
                own.add(samples)
    found = [(*key, sorted(samples)) for key, samples in settings.items()]
    return pandas.DataFrame(found, columns=[*keys, "samples"])
