"""How much of an estimate's noise is the batch's own, which no number of samples takes away."""

import pandas

from reports.text import numbers


def about_batch(rows: pandas.DataFrame, label: str) -> list[str]:
    """One sentence on an estimator's rows at several K, or none where there are no batches.

    `rows` are measured cells of one problem with `label`, `samples`, `variance` and
    `data_variance`. At the smallest K where the batch's part is at least half of the whole, more
    samples can at most halve it.
    """
    own = rows[(rows["label"] == label) & (rows["data_variance_low"] > 0)].sort_values("samples")
    if own.empty:
        return []
    whole = own["variance"] + own["data_variance"]
    enough = own[own["data_variance"] >= whole / 2]
    row = own.iloc[-1] if enough.empty else enough.iloc[0]
    noise, total = row["data_variance"], row["variance"] + row["data_variance"]
    if row["variance"] == 0:
        return [f"What is left is the batch's own noise, {numbers.number(noise, 2)}."]
    share = f"the batch's own noise is {numbers.number(noise, 2)} of {numbers.number(total, 2)}"
    if enough.empty:
        return [f"More samples than K = {row['samples']} can still help: {share}."]
    return [f"More samples than K = {row['samples']} cannot help much: {share}."]
