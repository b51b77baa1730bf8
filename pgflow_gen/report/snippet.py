"""A line of source with carets below a piece of it, aligned as a terminal shows it."""

from __future__ import annotations

import re
import unicodedata

from pgflow_gen.diagnostics import Span
from pgflow_gen.light_dataclass import dataclass

TAB_WIDTH = 4
MAX_WIDTH = 160
"""Columns of a line that are shown; of longer lines the part around the carets."""
_LEAD = 40
_CUT = "..."
# str.splitlines would also break at form feeds and Unicode separators, which are no ends of lines to Python.
_LINE_BREAK = re.compile(r"\r\n|\r|\n")


@dataclass(frozen=True, slots=True)
class Snippet:
    line: int
    text: str
    """The line with tabs expanded and control characters made visible."""
    indent: int
    """Terminal columns before the carets."""
    width: int
    """Number of carets, at least one."""


def snippet(text: str, span: Span) -> Snippet | None:
    """The first line of ``span`` in ``text``; None when the text has no such line."""
    lines = _LINE_BREAK.split(text)
    if not 1 <= span.line <= len(lines):
        return None
    line = lines[span.line - 1]
    start = min(span.column - 1, len(line))
    # A span of several lines is underlined to the end of its first.
    stop = span.end_column - 1 if span.end_line == span.line else len(line.rstrip())
    stop = max(start, min(stop, len(line)))
    before = _shown(line[:start])
    column = display_width(before)
    marked = _shown(line[start:stop], column)
    after = _shown(line[stop:], column + display_width(marked))
    if display_width(before + marked + after) > MAX_WIDTH:
        before, marked, after = _cut(before, marked, after)
    shown = f"{before}{marked}{after}".rstrip()
    return Snippet(span.line, shown, display_width(before), max(1, display_width(marked)))


def display_width(text: str) -> int:
    """The number of terminal columns of ``text``: East Asian wide characters two, combining ones none."""
    return sum(map(_character_width, text))


def _character_width(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _shown(text: str, column: int = 0) -> str:
    """``text`` as it is printed from ``column`` on."""
    parts: list[str] = []
    for character in text:
        if character == "\t":
            shown = " " * (TAB_WIDTH - column % TAB_WIDTH)
        elif unicodedata.category(character) in ("Cc", "Cs"):
            shown = "\N{REPLACEMENT CHARACTER}"
        else:
            shown = character
        parts.append(shown)
        column += display_width(shown)
    return "".join(parts)


def _cut(before: str, marked: str, after: str) -> tuple[str, str, str]:
    """The neighbourhood of the marked piece of a very long line."""
    if len(before) > _LEAD:
        before = _CUT + before[-_LEAD:]
    if len(marked) > MAX_WIDTH - 2 * _LEAD:
        return before, marked[: MAX_WIDTH - 2 * _LEAD], _CUT
    room = max(0, MAX_WIDTH - len(before) - len(marked))
    return before, marked, after if len(after) <= room else after[:room] + _CUT
