"""A figure for a paper: the variance of chosen estimators on one problem, in a column's width."""

import warnings

import pandas
from matplotlib import rc_context
from matplotlib.figure import Figure

from reports.figures.matplotlib_files import to_pdf, to_png, to_svg
from reports.figures.style import SETTINGS, log_axis, plain, styles_of

WRITERS = {"pdf": to_pdf, "svg": to_svg, "png": to_png}
LINE = 1.9  # heights of the font per estimator
AROUND = 4.2  # and for the axis and its label
LEAST = 0.2  # of the width is left for the axis


def variance(part: pandas.DataFrame, width: float, font_size: float) -> Figure:
    """Variances with their 95 % intervals, hollow where shown to be biased, the first on top.

    - `part`: ranked rows of one problem in the order in which they are drawn.
    - `width`: of the figure in inches; its height follows from the number of rows.
    - `font_size`: of all text, in points.

    Raises ValueError where the names leave no room for the axis.
    """
    rows = part.dropna(subset="variance")
    styles = styles_of(str(label) for label in rows["label"])
    height = (LINE * len(rows) + AROUND) * font_size / 72
    with rc_context(SETTINGS | {"font.size": font_size, "axes.labelsize": font_size}):
        figure = Figure(figsize=(width, height))
        axes = figure.add_subplot()
        ends = [rows[f"variance{end}"] for end in ("", "_low", "_high")]
        zero = log_axis(axes, "x", pandas.concat(ends))
        for place, row in enumerate(rows.to_dict("records")):
            look = styles[row["label"]]
            low, high = row["variance_low"], row["variance_high"]
            if low > 0:
                axes.plot([low, high], [place, place], color=look.color, linewidth=1.2)
            axes.plot([row["variance"] or zero], [place], **look.points(hollow=row["biased"]))
        axes.set_yticks(range(len(rows)), [str(label) for label in rows["label"]])
        axes.set_ylim(len(rows) - 0.4, -0.6)
        axes.set_xlabel("variance of one estimate")
        axes.tick_params(labelsize=font_size)
        plain(axes, "x")
        figure.set_layout_engine("constrained")
        cramped = _cramped(figure)
    if cramped or axes.get_position().width < LEAST:
        raise ValueError(
            f"At a width of {width:g} in and {font_size:g} pt the names leave no room for the "
            "axis; take a wider figure or a smaller font."
        )
    return figure


def _cramped(figure: Figure) -> bool:
    """Lay the figure out; whether nothing is left for its axes."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")
        warnings.filterwarnings("error", "constrained_layout not applied")
        try:
            figure.draw_without_rendering()
        except UserWarning:
            return True
    return False
