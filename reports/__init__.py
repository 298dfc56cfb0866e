"""Result files in, rankings and pages out. Needs pandas, matplotlib and jinja2, never torch.

frame = reports.load("results")     one row per measured cell
reports.rank(frame)                 ordered by variance within problem × samples
reports.publish(frame, "report")    index.html, report.md and the tables as CSV
"""

from reports.frames.load import load
from reports.frames.rankings import ranking as rank
from reports.pages.publish import publish

__all__ = ["load", "publish", "rank"]
