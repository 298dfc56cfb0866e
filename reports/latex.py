"""Tables for a paper: LaTeX with booktabs, one file each, to be read with \\input."""

import pandas

from reports import formats, sheets
from reports.rendering import latex
from reports.tables import headline

TITLES = ["estimator", "variance", "× quietest", "bias", "time", "variance × s"]


def tables(ranked: pandas.DataFrame) -> dict[str, str]:
    """The ranking of every problem, at the K where most can be compared, by problem."""
    heads = headline(ranked)
    return {
        problem: _booktabs(TITLES, [_row(row) for row in sheets.rows_of(part)], _caption(part))
        for problem, part in heads.groupby("problem", sort=False)
    }


def _booktabs(titles: list[str], rows: list[list[str]], caption: str) -> str:
    """A tabular with the first column left, the rest right; needs \\usepackage{booktabs}."""
    frame = pandas.DataFrame(rows, columns=[latex(title) for title in titles]).map(latex)
    columns = "l" + "r" * (len(titles) - 1)
    body = frame.style.hide(axis="index").to_latex(hrules=True, column_format=columns)
    return f"% {caption}\n{body}"


def _caption(part: pandas.DataFrame) -> str:
    first = part.iloc[0]
    return (
        f"{' '.join(first['problem'].split())}, K = {first['samples']}, R = {first['replicates']}; "
        "95 % intervals in brackets"
    )


def _row(row: dict) -> list[str]:
    ends = [[row[n], row[f"{n}_low"], row[f"{n}_high"]] for n in ("variance", "work_variance")]
    return [
        row["label"],
        formats.interval(*ends[0]),
        formats.factor(row["relative"]),
        sheets.verdict(row),
        formats.seconds(row["seconds"]),
        formats.interval(*ends[1]),
    ]
