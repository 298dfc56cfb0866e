"""Variance at equal numbers of cost evaluations: what the atlas ranks by, on any machine alike."""

import pandas

from reports.frames.rankings import ENDS, prepare
from reports.frames.recommendation import tied_with_best

DIGITS = 9


def per_evaluation(frame: pandas.DataFrame) -> pandas.DataFrame:
    """Prepared rows in which evaluations of the cost stand where seconds would.

    - `frame`: as `reports.load` returns it, or the atlas' own data.

    `seconds` becomes `evaluations` and `work_variance` variance × evaluations, both exact in the
    former: rankings at equal time then are rankings at equal evaluations. Whoever the registry
    calls biased, in the column `claims_unbiased` where there is one, is not eligible.
    """
    frame = prepare(frame).copy()
    for end in ENDS:
        frame[f"variance{end}"] = frame[f"variance{end}"].map(_rounded)
        frame[f"seconds{end}"] = frame["evaluations"]
        frame[f"work_variance{end}"] = frame[f"variance{end}"] * frame["evaluations"]
    if "claims_unbiased" in frame:
        frame["eligible"] &= frame["claims_unbiased"].fillna(False).astype(bool)
    return frame


def _rounded(value: float) -> float:
    """Without the digits in which the same sum differs by its order."""
    return float(f"{value:.{DIGITS}g}")


def winner(part: pandas.DataFrame) -> tuple[pandas.Series, pandas.DataFrame, tuple | None] | None:
    """Of the rows of one problem: the best, those tied with it (itself first), and the next.

    `part` are rows of `per_evaluation`. The next is (row, ratio of work with its 95 % interval),
    None if all tie. None if nobody is eligible.
    """
    fair = part[part["eligible"] & part["work_variance"].notna()]
    if fair.empty:
        return None
    fair = fair.sort_values(["work_variance", "seconds", "label"], ignore_index=True)
    best, tied, apart = tied_with_best(fair)
    others = [index for index in tied if index != best.name]
    following = None if apart is None else (fair.loc[apart[0]], apart[1])
    return best, fair.loc[[best.name, *others]], following
