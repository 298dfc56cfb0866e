"""The page of the claims, in Markdown."""

from collections.abc import Iterator

import continuous  # noqa: F401  registers its claims
import discrete  # noqa: F401
from checking import Claim, Finding, claims

from reports.text.inert import markdown


def page(names: list[str], share: float = 1.0) -> Iterator[str]:
    """The lines of the page, claim by claim, at a share of the replicates."""
    yield "# What is often said, and what we measured\n"
    yield (
        "Ten statements about these gradients, of the kind that introductions make, each beside "
        "the measurement that checks it. Made by `python docs/claims`; the verdicts follow from "
        "the numbers. Brackets are 95 % intervals. Only trainings at equal time depend on the "
        "machine.\n"
    )
    for name in names or claims:
        yield from _section(claims[name], claims[name].check(share))


def _section(claim: Claim, found: Finding) -> Iterator[str]:
    yield f"## {claim.title}\n"
    yield f"*Claim: {claim.statement}*\n"
    yield f"**{found.verdict}.** {found.says}\n"
    yield "| " + " | ".join(map(_cell, found.titles)) + " |"
    yield "|---|" + "---|" * (len(found.titles) - 1)
    for row in found.rows:
        yield "| " + " | ".join(map(_cell, row)) + " |"
    yield f"\nMeasured by `{found.command}`.\n"


def _cell(text: str) -> str:
    """For a table: names of problems have an @ that is no mention, and must be copied as it is."""
    return markdown(text).replace("\u2060", "")  # our own words may link
