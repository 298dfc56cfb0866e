"""One table for a paper: estimators × problems in the order asked, as LaTeX with booktabs."""

import math
from collections.abc import Sequence
from fnmatch import fnmatchcase

import pandas

from reports.exports.latex import PLAIN
from reports.frames.rankings import prepare, ranking
from reports.text import numbers
from reports.text.inert import latex
from reports.text.phrases import listed

NUMBERS = ("plain", "siunitx")
BIASED, NONE = r"$^{\dagger}$", "--"


def chosen(
    frame: pandas.DataFrame,
    estimators: Sequence[str],
    problems: Sequence[str],
    samples: int | None = None,
) -> pandas.DataFrame:
    """The ranking of those estimators on those problems at K = `samples`, in the order asked.

    - `frame`: as `reports.load` returns it.
    - `estimators`, `problems`: names or patterns; none means all there are.
    - `samples`: K; None is the smallest at which any of them was measured.

    Who is biased is judged over all cells of `frame`, who is best among those chosen. Raises
    ValueError for a name that no record has, and for a table that would mix devices or dtypes.
    """
    frame = prepare(frame)
    labels = _ordered("estimator", estimators, frame["label"].unique())
    columns = _ordered("problem", problems, frame["problem"].unique())
    rows = frame[frame["label"].isin(labels) & frame["problem"].isin(columns)]
    known = sorted(rows.loc[rows["status"] == "ok", "samples"].unique())
    if not known:
        raise ValueError("None of the chosen cells was measured; choose others with -e and -p.")
    samples = known[0] if samples is None else samples
    if samples not in known:
        raise ValueError(f"No chosen cell was measured at K = {samples}, but at {listed(known)}.")
    rows = rows[rows["samples"] == samples]
    measured = rows[rows["status"] == "ok"]
    if len(measured[["device", "dtype"]].drop_duplicates()) > 1:
        raise ValueError("The chosen cells are of several devices or dtypes; report one store of "
                         "each.")  # fmt: skip
    ranked = ranking(rows)
    for name, order in (("label", labels), ("problem", columns)):
        ranked[name] = pandas.Categorical(ranked[name], order, ordered=True)
    return ranked.sort_values(["problem", "label"], ignore_index=True)


def table(ranked: pandas.DataFrame, style: str = "plain") -> str:
    r"""The table, with its caption; to be read with \input.

    - `ranked`: of `chosen`.
    - `style`: "plain" needs booktabs, "siunitx" also siunitx, whose settings write the numbers.

    The least variance of a problem and those not told apart from it (paired, 95 %) are bold; a
    dagger marks who was shown to be biased, a dash who was not measured. Raises ValueError for
    another style.
    """
    if style not in NUMBERS:
        raise ValueError(f"Numbers are written {' or '.join(NUMBERS)}, not {style!r}.")
    labels, problems = (
        [name for name in ranked[column].cat.categories if name in set(ranked[column])]
        for column in ("label", "problem")
    )
    cells = {(row["problem"], row["label"]): row for row in ranked.to_dict("records")}
    scales = {p: _power(ranked[ranked["problem"] == p]["variance"], style) for p in problems}
    heads = [latex(p) + (rf" $/\,10^{{{scales[p]}}}$" if scales[p] else "") for p in problems]
    lines = [
        f"{latex(label)} & "
        + " & ".join(_cell(cells.get((p, label)), scales[p], style) for p in problems)
        + r" \\"
        for label in labels
    ]
    return "\n".join([
        r"\begin{table}", r"\centering", rf"\caption{{{_caption(ranked)}}}",
        *([r"\sisetup{detect-weight=true}"] if style == "siunitx" else []),
        rf"\begin{{tabular}}{{@{{}}l{'r' * len(problems)}@{{}}}}", r"\toprule",
        "estimator & " + " & ".join(heads) + r" \\", r"\midrule", *lines,
        r"\bottomrule", r"\end{tabular}", r"\end{table}", "",
    ])  # fmt: skip


def _cell(row: dict | None, power: int, style: str) -> str:
    if row is None or row["variance"] != row["variance"]:
        return NONE
    if style == "siunitx":
        value = row["variance"]
        number = r"\num{" + (f"{value:.2e}" if value else "0") + "}"
    else:
        number = latex(numbers.number(row["variance"] / 10.0**power))
    bold = rf"\textbf{{{number}}}" if row["tied"] else number
    return bold + (BIASED if row["biased"] else "")


def _power(column: pandas.Series, style: str) -> int:
    """The power of ten of a column, a multiple of three; siunitx writes each number's own."""
    known = column[column > 0]
    if style == "siunitx" or known.empty or PLAIN[0] <= known.min() < PLAIN[1]:
        return 0
    return 3 * math.floor(math.log10(known.min()) / 3)


def _caption(ranked: pandas.DataFrame) -> str:
    replicates = sorted(ranked["replicates"].dropna().unique())
    spent = f"{replicates[0]}" if len(replicates) == 1 else f"{replicates[0]} to {replicates[-1]}"
    first = ranked.iloc[0]
    cpu, torch = (listed(sorted(ranked[name].dropna().unique())) for name in ("cpu", "torch"))
    where = f"one thread of {cpu}" if first["device"] == "cpu" else f"{first['device']}"
    return (
        f"Variance of one gradient estimate, K = {first['samples']}, R = {spent}, "
        f"{latex(first['dtype'])}, {latex(where)}, torch {latex(torch)}. Bold: the least and those "
        r"not told apart from it at 95\,\%; $\dagger$: shown to be biased; --: not measured."
    )


def _ordered(kind: str, patterns: Sequence[str], known) -> list[str]:
    """The `known` names that patterns mean, in the order of the patterns."""
    found: dict[str, None] = {}
    for pattern in patterns or sorted(known):
        meant = [name for name in known if name == pattern or fnmatchcase(name, pattern)]
        if not meant:
            raise ValueError(f"The store has no {kind} {pattern!r}; it has "
                             f"{listed(sorted(known), 8)}.")  # fmt: skip
        found |= dict.fromkeys(meant)
    return list(found)
