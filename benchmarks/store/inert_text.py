"""Text from a store, a file or a user as it may be shown: nothing in it acts on where it is shown.

Standard library only: commands that fail say so before anything heavy is imported.
"""

import re

# Control characters but tab and newline, marks that turn the direction of writing, separators of
# lines and paragraphs, annotations, tags, and halves of pairs that are no character.
ACTING = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufff9-\ufffb\ud800-\udfff"
    "\U000e0000-\U000e007f]"
)
PICTURES = 0x2400  # of U+0000 to U+001F


def visible(text: object) -> str:
    """`text` with every character that acts, instead of being seen, as a sign or an escape.

    Escape is ␛, U+202E is \\u202e. Tabs and newlines stay.
    """
    text = str(text)
    if text.isascii() and text.isprintable():  # as most are; a report asks a million times
        return text
    return ACTING.sub(_sign, text)


def one_line(text: object) -> str:
    """`visible` text, its lines joined by spaces."""
    return visible(" ".join(str(text).split()))


def _sign(found: re.Match) -> str:
    code = ord(found[0])
    if code < 0x20:
        return chr(PICTURES + code)
    return "␡" if code == 0x7F else f"\\u{code:04x}"
