"""Pages that come from the atlas' data: a matrix, a page a problem, what each estimator showed.

Nothing here is kept in the repository: `conf.py` has it written when the site is built.
"""

import html
from functools import cache
from pathlib import Path

import pandas

import estimators
from benchmarks import catalogue
from reports.atlas import data
from reports.atlas.evaluations import per_evaluation, winner
from reports.text import numbers
from reports.text.phrases import counted

ATLAS = Path(__file__).parent / "atlas"
TOLD = 6  # problems named in a sentence


@cache
def cells() -> pandas.DataFrame:
    """The atlas' rows of the suite's problems, by variance at equal evaluations.

    `best` are the least work of those that draw and its ties; `over` is the work over the least.
    """
    frame = per_evaluation(data.read(ATLAS))
    frame = frame[~frame["problem"].str.contains("[", regex=False)].reset_index(drop=True)
    frame["best"], frame["over"] = False, float("nan")
    for _, part in frame.groupby("problem", sort=False):
        found = winner(part[part["variance"] > 0])
        if found is None:
            continue
        best, tied, _ = found
        ok = part[part["status"] == "ok"]
        drawn = part["label"].isin(tied["label"]) & (part["variance"] > 0)
        frame.loc[part.index[drawn], "best"] = True
        frame.loc[ok.index, "over"] = ok["work_variance"] / best["work_variance"]
    return frame


def pages() -> dict[str, str]:
    """The matrix and the page of every problem that was measured, by file."""
    frame = cells()
    about = {row["name"]: row for row in catalogue.rows("problems")}
    names = [name for name in about if name in set(frame["problem"])]
    found = {"measured/matrix.md": matrix(frame, names)}
    for name in names:
        found[f"measured/{name}.md"] = problem(about[name], frame[frame["problem"] == name])
    tree = "\n".join(names)
    found["measured/index.md"] = (
        "# The problems, measured\n\nOne page each, from [the atlas](../atlas/datasheet.md).\n\n"
        "```{toctree}\n:maxdepth: 1\n\n" + tree + "\n```\n"
    )
    return found


def problem(about: dict, part: pandas.DataFrame) -> str:
    """What a problem is, and everybody measured on it, the quietest at equal evaluations first."""
    ok = part[part["status"] == "ok"].sort_values(["eligible", "work_variance"],
                                                  ascending=[False, True])  # fmt: skip
    shapes = ", ".join(f"`{key}` {value}" for key, value in about["parameters"].items())
    first = ok.iloc[0] if len(ok) else part.iloc[0]
    lines = [
        f"# {about['name']}",
        "",
        f"{about['distribution']} · parameters {shapes} · K = {first['samples']}, R = "
        f"{first['replicates']:,} · exact gradient: {first['truth_method']}",
        "",
    ]
    if about["summary"]:
        lines += [about["summary"].rstrip(".") + ".", ""]
    lines += _table(ok)
    refused = sorted(part.loc[part["status"] == "refused", "estimator"].unique())
    if refused:
        lines += ["", f"Refused: {', '.join(_linked(name) for name in refused)}."]
    failed = part[part["status"] == "error"]
    lines += [f"\nFailed: {_linked(row.estimator)}: {row.reason}" for row in failed.itertuples()]
    lines += ["", f"`gradmeter run -p {about['name']} -K {first['samples']} --no-timing` measures "
              "it again."]  # fmt: skip
    return "\n".join(lines) + "\n"


def _table(rows: pandas.DataFrame) -> list[str]:
    lines = ["| variance | estimator | × the best | evaluations | bias |", "|---|---|---|---|---|"]
    for row in rows.to_dict("records"):
        ends = (row[f"variance{end}"] for end in ("", "_low", "_high"))
        over = "**best**" if row["best"] else numbers.factor(row["over"])
        if row["variance"] == 0 and row["eligible"]:
            over = "exact"
        label = _linked(row["estimator"]) + row["label"].removeprefix(row["estimator"])
        heavy = " ⚠ heavy tails" if row["heavy_tailed"] is True else ""
        lines.append(
            f"| {numbers.interval(*ends)}{heavy} | {label} | {over} | "
            f"{numbers.count(row['evaluations'])} | {_bias(row)} |"
        )
    return lines


def _bias(row: dict) -> str:
    if row["biased"] and row["gradient_norm"] > 0:
        size = max(row["bias2"], 0) ** 0.5 / row["gradient_norm"]
        return f"biased: {numbers.percent(size)} of ‖g‖"
    if row["bias_verdict"] == "unbiased":
        return f"below {numbers.percent(row['bias_limit'])}"
    return str(row["bias_verdict"])


def _linked(name: str) -> str:
    return f"[{name}](../shelf/{name}.md)"


def shown_by(name: str) -> list[str]:
    """What the atlas shows of one estimator: where it is best, where biased, and where it fails."""
    frame = cells()
    rows = frame[frame["estimator"] == name]
    ok = rows[rows["status"] == "ok"]
    if ok.empty:
        return ["", "## Measured", "", "The atlas has no measurement of it at K = 4: see the "
                "refusals above."]  # fmt: skip
    best = ok[ok["best"]].sort_values("problem")
    exact = ok[ok["eligible"] & (ok["variance"] == 0)]
    others = ok[~ok["best"] & ok["eligible"] & (ok["over"] > 0)].sort_values("over")
    biased = ok[ok["biased"]].sort_values("bias2", ascending=False)
    heavy = ok[ok["heavy_tailed"].fillna(False).astype(bool)]
    lines = ["", "## Measured", "", f"In [the atlas](../atlas/index.md), on "
             f"{counted(ok['problem'].nunique(), 'problem')} at K = 4:", ""]  # fmt: skip
    lines.append(
        f"- Best at equal evaluations of those that draw, or tied with it: {_named(best)}."
    )
    if len(exact):
        lines.append(f"- Exact, without any variance: {_named(exact)}.")
    if len(others):
        nearest, last = others.iloc[0], others.iloc[-1]
        lines.append(
            f"- Elsewhere {numbers.factor(nearest['over'])} ({_page(nearest)}) to "
            f"{numbers.factor(last['over'])} ({_page(last)}) times the work of the best."
        )
    lines.append(f"- Shown to be biased: {_named(biased)}.")
    if len(heavy):
        lines.append(f"- Heavy tails, so that its variance may not exist: {_named(heavy)}.")
    failed = rows[rows["status"] == "error"]
    if len(failed):
        lines.append(f"- Failed: {_named(failed)}.")
    return lines


def _named(rows: pandas.DataFrame) -> str:
    names = list(dict.fromkeys(rows["problem"]))
    said = ", ".join(f"[{name}](../measured/{name}.md)" for name in names[:TOLD])
    return (said + (f" and {len(names) - TOLD} more" if len(names) > TOLD else "")) or "nowhere"


def _page(row: pandas.Series) -> str:
    return f"[{row['problem']}](../measured/{row['problem']}.md)"


def matrix(frame: pandas.DataFrame, names: list[str]) -> str:
    """Problems × estimators, each cell the work over that of the best; sorted by its script."""
    preset = frame["estimator"].map(
        {n: estimators.create(n).config_json for n in estimators.names()}
    )
    ok = frame[(frame["status"] == "ok") & (frame["config"] == preset)]
    known = {(row.problem, row.estimator): row for row in ok.itertuples()}
    shelf = sorted(set(ok["estimator"]))
    heads = "".join(f'<th scope="col"><button>{name}</button></th>' for name in shelf)
    body = "".join(
        f'<tr><th scope="row"><a href="{name}.html">{name}</a></th>'
        + "".join(_cell(known.get((name, each))) for each in shelf)
        + "</tr>\n"
        for name in names
    )
    return (
        "# Matrix\n\nVariance × evaluations as a multiple of the best that draws, K = 4: **1** is "
        "the best or tied with it, 0 is exact, ○ was shown to be biased, an empty cell was "
        "refused. Click on a name to sort by it.\n\n"
        '```{raw} html\n<div class="matrix-tools"><label>Problems <input id="matrix-rows" '
        'placeholder="normal"></label> <label>Estimators <input id="matrix-columns" '
        'placeholder="reinforce"></label></div>\n'
        '<div class="matrix" tabindex="0"><table id="atlas-matrix"><thead><tr><th scope="col">'
        f"<button>problem</button></th>{heads}</tr></thead>\n<tbody>{body}</tbody></table></div>\n```\n"
    )


def _cell(row) -> str:
    if row is None:
        return "<td></td>"
    if row.variance == 0 and not row.biased:
        return '<td class="best" data-value="0">0</td>'
    over = "–" if row.over != row.over else numbers.factor(row.over)
    text = ("○ " if row.biased else "") + ("1" if row.best else over)
    kind = ' class="best"' if row.best else ' class="biased"' if row.biased else ""
    value = "" if row.over != row.over else f' data-value="{row.over:.4g}"'
    return f"<td{kind}{value}>{html.escape(text)}</td>"
