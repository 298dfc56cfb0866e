"""The comment on a pull request: short, escaped, and never longer than GitHub takes."""

import re
from collections.abc import Iterator, Sequence

from reports.frames.text_tables import Table
from reports.regression.page import Section
from reports.text.inert import markdown

MOST = 60_000  # characters; GitHub takes 65,536
INLINE = 5  # rows that are not folded
CLIP = 240  # characters of one cell
MARK = "<!-- gradmeter regress -->"  # by which a workflow finds its comment again
SENTENCE = 2_000  # characters of the verdict
ROOM = 20_000  # characters of the rows that are not folded
LEAST = 1_000  # characters that a folded table needs
CLOSING = 500  # characters kept for what closes the comment


def comment(page: dict) -> str:
    """The Markdown: verdict, completeness, five rows, and the rest folded.

    `page` is what `verdicts.content` returns. Rows that do not fit are counted.
    """
    first = page["sections"][0]
    text = f"**{_clip(page['sentence'], SENTENCE)}**\n\n{markdown(page['completeness'])}\n"
    text += f"\n{_sides(page['sides'])}\n"
    if first.table.rows:
        text += f"\n{_table(first.table, first.table.rows[:INLINE], ROOM)}"
    for part in _folded(page, first):
        text += part(MOST - CLOSING - len(text))
    return f"{text}\n{MARK}\n"


def _folded(page: dict, first: Section) -> Iterator:
    """Functions from the room that is left to the text of one folded part."""
    rest = first.table.rows[INLINE:]
    if rest:
        yield _fold(f"{len(rest)} more regressions", first.table, rest)
    commands = [one.command for one in first.lines if one.command]
    if commands:
        yield _commands("Reproduce", commands)
    for section in page["sections"][1:]:
        if section.lines and section.name != "unchanged":
            yield _fold(f"{section.title}: {section.tally}", section.table, section.table.rows)
    for title, table in (
        ("Acknowledged, in regressions-accepted.toml", page["accepted"]),
        ("History of these cells", page["history"]),
        ("Different environments", page["environment"]),
        ("Smallest change that would have been found in 99 of 100 cases", page["minimum_effect"]),
    ):
        if table.rows:
            yield _fold(title, table, table.rows)
    yield lambda room: f"\n{markdown(page['false_alarms'])}\n" if room > LEAST else ""


def _fold(title: str, table: Table, rows: Sequence[list[str]]):
    """A folded table of as many rows as there is room for."""

    def part(room: int) -> str:
        head, end = f"\n<details><summary>{_clip(title)}</summary>\n\n", "\n</details>\n"
        room -= len(head) + len(end)
        return head + _table(table, rows, room) + end if room > LEAST else ""

    return part


def _commands(title: str, commands: Sequence[str]):
    """A folded block of shell commands, at most five, that nothing in them can close."""

    def part(room: int) -> str:
        lines = [command[:1_000] for command in commands[:INLINE]]
        runs = re.findall(r"`{3,}", "\n".join(lines))
        fence = "`" * (max(map(len, runs), default=2) + 1)
        body = "\n".join(lines)
        text = (
            f"\n<details><summary>{title}</summary>\n\n{fence}sh\n{body}\n{fence}\n\n</details>\n"
        )
        return text if len(text) < room else ""

    return part


def _table(table: Table, rows: Sequence[list[str]], room: int) -> str:
    """As many rows as fit into `room` characters, and how many did not."""
    marks = [" --- |" if at < table.words else " ---: |" for at in range(len(table.titles))]
    text = f"{_line(table.titles)}|{''.join(marks)}\n"
    for at, row in enumerate(rows):
        line = _line(row)
        if len(text) + len(line) > room - LEAST // 2:
            return f"{text}\nand {len(rows) - at:,} more in the full report.\n"
        text += line
    return text


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(_clip(cell) for cell in cells)} |\n"


def _clip(text: str, most: int = CLIP) -> str:
    text = str(text)
    return markdown(text if len(text) <= most else text[: most - 1] + "…")


def _sides(sides: Sequence[dict[str, str]]) -> str:
    base, head = (
        _clip(f"{side['name']}{' (' + side['commit'] + ')' if side['commit'] else ''}")
        for side in sides
    )
    return f"Base {base}, head {head}."
