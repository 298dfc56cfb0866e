"""Figures that pages write themselves: where matplotlib puts things, well-formed, and inert."""

import re
import subprocess
import sys
from xml.etree import ElementTree

import numpy
import pytest
from planted_records import framed, record, suite

from reports.figures import plots, svg
from reports.figures.svg_axes import Axes
from reports.figures.svg_shapes import inside
from reports.frames.rankings import ranking

DRAW = [
    plots.variance_by_estimator,
    plots.bias_against_variance,
    plots.variance_against_samples,
    plots.variance_times_seconds,
]
SPACE = "{http://www.w3.org/2000/svg}"


def drawn(draw, frame):
    return draw(ranking(frame), titles=False, drawing=svg.drawing)


def markers(figure):
    """Where the markers of a figure stand, in points from the lower left."""
    root = ElementTree.fromstring(figure.svg())
    filled = [path for path in root.iter(f"{SPACE}path") if path.get("stroke-width") == "1.2"]
    starts = [re.match(r"M([-\d.]+),([-\d.]+)m", path.get("d")) for path in filled]
    return [(float(one[1]), figure.height - float(one[2])) for one in starts if one]


@pytest.mark.parametrize("draw", DRAW)
@pytest.mark.parametrize("problem", ["normal-quadratic", "bernoulli-quadratic"])
def test_every_marker_stands_where_matplotlib_puts_it(draw, problem):
    frame = framed(suite({problem: 16.0}))
    figure = draw(ranking(frame), titles=False)
    expected = []
    for line in figure.axes[0].lines:
        if line.get_marker() not in ("None", ""):
            data = numpy.column_stack(line.get_data())
            expected += [*line.get_transform().transform(data) * 72 / figure.dpi]
    spots = markers(drawn(draw, frame))
    legend = len(spots) - len(expected)
    assert len(expected) >= 5
    assert legend in (0, frame.loc[frame["status"] == "ok", "label"].nunique())
    numpy.testing.assert_allclose(
        sorted(map(tuple, expected)), sorted(spots[: len(expected)]), atol=0.06
    )


@pytest.mark.parametrize("draw", DRAW)
def test_names_stay_text_and_nothing_is_asked_for(draw):
    frame = framed([record("toy", "<script>&\x07", k) for k in (1, 4)])
    text = drawn(draw, frame).svg().decode()
    root = ElementTree.fromstring(text)
    assert "script" not in {node.tag.removeprefix(SPACE) for node in root.iter()}
    assert "<script>&" in {node.text for node in root.iter(f"{SPACE}text")}
    assert not re.search(r"href|src=|url\(|@import", text)


def test_a_line_through_two_points_ends_at_the_edges():
    axes = Axes((10, 20, 100, 50))
    axes.set_xlim(0, 10)
    axes.set_ylim(0, 10)
    within = inside(axes.point(1, 1), axes.point(2, 2), axes)
    assert within == [pytest.approx((10, 70)), pytest.approx((110, 20))]
    assert inside(axes.point(20, 0), axes.point(20, 1), axes) == []


def test_pages_import_no_matplotlib():
    code = "import reports.pages.publish, sys; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
