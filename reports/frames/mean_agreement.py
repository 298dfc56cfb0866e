"""Disagreements between the means that a store keeps, where no truth is known."""

from collections.abc import Iterator
from pathlib import Path

import pandas

from benchmarks.store.atomic_files import read_arrays
from benchmarks.truth.mean_agreement import Means, disagreement
from reports.frames.load import complete
from reports.frames.rankings import labels

ALIKE = ["problem", "problem_version", "samples", "seed", "device", "dtype", "generator"]
ALIKE += ["replicates", "commit"]


def with_disagreements(frame: pandas.DataFrame, folder: Path) -> pandas.DataFrame:
    """`frame` with a sentence in the `reason` of cells whose means do not agree with others'.

    Only cells without a truth, of estimators that claim to be unbiased and without heavy tails, and
    with the means of their blocks in a file in `folder`, or beside it where it is a file. Nothing
    changes for stores of earlier versions, which do not say what an estimator claims.
    """
    folder = folder if folder.is_dir() else folder.parent
    frame = complete(frame).assign(label=labels(frame))
    rows = frame[(frame["status"] == "ok") & (frame["bias_verdict"] == "no truth")]
    rows = rows[rows["per_block"].notna() & ~rows["heavy_tailed"].fillna(False).astype(bool)]
    for _, part in rows.groupby(ALIKE, dropna=False, sort=False):
        part = part.drop_duplicates("label", keep="last")
        found = disagreement([*_claimed(part, folder)])
        for index in part.index[part["label"].isin(found[1])] if found else ():
            said = [frame.loc[index, "reason"], found[0]]
            frame.loc[index, "reason"] = " ".join(text for text in said if pandas.notna(text))
    return frame.drop(columns="label")


def _claimed(part: pandas.DataFrame, folder: Path) -> Iterator[Means]:
    """The means of the cells of those that claim to be unbiased."""
    for _, row in part.iterrows():
        try:
            blocks = read_arrays(folder, row["per_block"])
        except (OSError, ValueError):  # lost, which a comparison of stores says
            continue
        if blocks.get("claims_unbiased", False):
            yield Means.of(row["label"], blocks)
