"""Tables for a paper: LaTeX with booktabs, one file each, to be read with \\input."""

import math
from statistics import median

import pandas

from benchmarks.store.inert_text import one_line
from reports.frames import text_tables
from reports.frames.rankings import headline
from reports.text import numbers
from reports.text.inert import latex

PLAIN = (0.1, 1e4)  # a column whose smallest number lies within is written without a power of ten
UNITS = {"µs": r"$\mu$s"}  # as the base fonts have them


def tables(ranked: pandas.DataFrame) -> dict[str, str]:
    """The ranking of every problem, at the K where most can be compared, by problem."""
    heads = headline(ranked)
    return {
        problem: _booktabs(_columns(text_tables.rows_of(part)), _caption(part))
        for problem, part in heads.groupby("problem", sort=False)
    }


def _booktabs(columns: dict[str, list[str]], caption: str) -> str:
    """A tabular with the first column left, the rest right; needs \\usepackage{booktabs}.

    Its letters and gaps are such that it fits between the margins of an article.
    """
    shape = "@{}l" + "r" * (len(columns) - 1) + "@{}"
    body = pandas.DataFrame(columns).style.hide(axis="index")
    body = body.to_latex(hrules=True, column_format=shape)
    return f"% {caption}\n{{\\footnotesize\\setlength{{\\tabcolsep}}{{3pt}}%\n{body.rstrip()}}}\n"


def _caption(part: pandas.DataFrame) -> str:
    first = part.iloc[0]
    return (
        f"{one_line(first['problem'])}, K = {first['samples']}, R = {first['replicates']}; "
        "95 % intervals in brackets; bias: below which share of the gradient, or the verdict"
    )


def _columns(rows: list[dict]) -> dict[str, list[str]]:
    """The cells by title, all as LaTeX; a column has one unit and one power of ten."""
    size, unit = _unit([row["seconds"] for row in rows])
    name = UNITS.get(unit, unit)
    columns = {"estimator": [latex(row["label"]) for row in rows]}
    columns |= _intervals("variance", rows, "variance", 1.0)
    columns["bias"] = [latex(text_tables.verdict(row).removeprefix("unbiased, ")) for row in rows]
    if size:
        times = [row["seconds"] and row["seconds"] / size for row in rows]
        columns[f"time / {name}"] = [latex(numbers.number(time)) for time in times]
        columns |= _intervals(rf"variance $\times$ {name}", rows, "work_variance", size)
    return columns


def _intervals(title: str, rows: list[dict], name: str, size: float) -> dict[str, list[str]]:
    """A column of numbers with their intervals, in units of `size` and of a power of ten."""
    known = [row[name] / size for row in rows if row[name]]
    least = min(known, default=1.0)
    power = 0 if PLAIN[0] <= least < PLAIN[1] else 3 * math.floor(math.log10(least) / 3)
    title += rf" $/\,10^{{{power}}}$" if power else ""
    size *= 10.0**power
    ends = [[row[f"{name}{end}"] for end in ("", "_low", "_high")] for row in rows]
    scaled = [[end if end is None else end / size for end in each] for each in ends]
    return {title: [latex(numbers.interval(*each)) for each in scaled]}


def _unit(seconds: list[float | None]) -> tuple[float, str]:
    """The unit that fits most times, in seconds and by name; zero where there is no time."""
    known = [value for value in seconds if value]
    if not known:
        return 0.0, ""
    middle = median(known)
    return next((unit for unit in numbers.UNITS if middle >= unit[0]), numbers.UNITS[-1])
