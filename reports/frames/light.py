"""A frame with what pages show and no more, in few blocks of memory, so that parts are cut fast."""

import pandas

from benchmarks.store.store import CONTEXT, LISTS

UNSEEN = {  # by any page, problem by problem
    *LISTS, *CONTEXT, "bias_p_holm", "budget", "config", "kurtosis", "per_block", "per_parameter",
    "precision", "problem_version", "seed", "snr", "snr_high", "snr_low", "step", "stopped_by",
    "stopped_ratio", "stopped_ratio_high", "stopped_ratio_low", "trajectory",
}  # fmt: skip


def light(frame: pandas.DataFrame) -> pandas.DataFrame:
    """The rows of a frame or ranking, without the columns that stand on no page.

    Texts and flags are Python's, with None for what is not known; counts without gaps are plain
    integers.
    """
    return pandas.DataFrame(
        {name: _plain(frame[name]) for name in frame.columns if name not in UNSEEN},
        index=frame.index,
    ).copy()  # one block for each type


def _plain(column: pandas.Series) -> pandas.Series:
    whole = not column.isna().any()
    if pandas.api.types.is_integer_dtype(column.dtype):
        return column.astype("int64") if whole else column
    if pandas.api.types.is_bool_dtype(column.dtype) and whole:
        return column.astype(bool)
    if pandas.api.types.is_float_dtype(column.dtype):
        return column.astype("float64")
    return column.astype(object).where(column.notna(), None)
