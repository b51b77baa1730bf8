"""Values as a page shows them: times, durations, counts, sizes, JSON."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

from markupsafe import Markup, escape

from pgflow_shared.statuses import STATUSES

LINE = 84
"""Characters of a line of JSON, if it can be broken."""
CLAMP = 1_500
"""Characters of an error message that are shown at once."""
SHOWN = 60_000
"""Characters of a JSON value that a page shows; the whole can be downloaded."""

_OF_WORKERS = {
    "working": "completed",
    "finishing": "started",
    "quiet": "created",
    "silent": "failed",
    "stopped": "skipped",
}
"""The drawings of what a worker is."""
_TOKEN = re.compile(r'("(?:[^"\\]|\\.)*")(\s*:)?|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|\b(true|false|null)\b')


def moment(value: datetime | None) -> str:
    """A time in UTC to the second."""
    return "" if value is None else value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def clock(value: datetime | None) -> str:
    """The time of day in UTC."""
    return "" if value is None else value.astimezone(UTC).strftime("%H:%M")


def ago(value: datetime | None, now: datetime) -> str:
    """``just now``, ``3 min ago``, ``5 h ago``, ``2 days ago``; what is to come: ``in 30 s``.

    page.js keeps it up to date.
    """
    if value is None:
        return ""
    seconds = (now - value).total_seconds()
    if -1 < seconds < 10:
        return "just now"
    size = abs(seconds)
    for unit, name in ((86_400, "day"), (3600, "h"), (60, "min"), (1, "s")):
        count = int(size // unit)
        if count:
            words = f"{count} {name}{'s' if name == 'day' and count > 1 else ''}"
            return f"in {words}" if seconds < 0 else f"{words} ago"
    return "just now"


def clamped(message: str) -> tuple[str, str, bool]:
    """What is shown of a message at once, the rest, and whether there is one."""
    if len(message) <= CLAMP:
        return message, "", False
    cut = message.rfind("\n", CLAMP // 2, CLAMP)
    at = cut if cut > 0 else CLAMP
    return message[:at], message[at:], True


def iso(value: datetime | None) -> str:
    """A time for machines."""
    return "" if value is None else value.astimezone(UTC).isoformat(timespec="milliseconds")


def duration(seconds: float | None) -> str:
    """``84 ms``, ``2.5 s``, ``1 min 05 s``, ``3 h 20 min``, ``2 d 04 h``."""
    if seconds is None:
        return ""
    if seconds <= 0:
        return "0 ms"
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms" if seconds >= 0.01 else f"{seconds * 1000:.2g} ms"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    if whole < 86400:
        return f"{whole // 3600} h {whole % 3600 // 60:02} min"
    return f"{whole // 86400} d {whole % 86400 // 3600:02} h"


def tick(seconds: float) -> str:
    """A mark on an axis: as short as it can be."""
    if seconds == 0:
        return "0"
    if seconds < 1:
        return f"{seconds * 1000:g} ms"
    if seconds < 60:
        return f"{seconds:g} s"
    for size, unit, part, name in ((86_400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if seconds >= size:
            whole, rest = int(seconds // size), round(seconds % size / part)
            return f"{whole} {unit} {rest} {name}" if rest else f"{whole} {unit}"
    raise AssertionError(seconds)


def count(value: float | None) -> str:
    """A number with thin spaces between thousands."""
    if value is None:
        return "–"
    text = f"{value:,.0f}" if float(value).is_integer() else f"{value:,.2f}".rstrip("0").rstrip(".")
    return text.replace(",", " ")


def size(value: int) -> str:
    """Bytes, rounded."""
    if value < 1000:
        return f"{value} bytes"
    return f"{value / 1000:.0f} kB" if value < 1_000_000 else f"{value / 1_000_000:.1f} MB"


def json_text(value: Any, indent: str = "") -> str:
    """A JSON value to read: what fits a line stands on one, numbers and words side by side."""
    if not isinstance(value, dict | list) or not value or len(indent) > LINE:
        return json.dumps(value, ensure_ascii=False)
    line = _one_line(value)
    if line is not None and len(indent) + len(line) <= LINE:
        return line
    inner = indent + "  "
    if isinstance(value, dict):
        parts = [
            f"{json.dumps(key, ensure_ascii=False)}: {json_text(item, inner)}" for key, item in value.items()
        ]
        return "{\n" + ",\n".join(inner + part for part in parts) + f"\n{indent}}}"
    items = [json_text(item, inner) for item in value]
    if not any(isinstance(item, dict | list | str) for item in value):
        return f"[\n{_filled(items, inner)}\n{indent}]"
    return "[\n" + ",\n".join(inner + item for item in items) + f"\n{indent}]"


def _one_line(value: Any) -> str | None:
    """None for what is surely too long, or holds more than one level."""
    inner = value.values() if isinstance(value, dict) else value
    if len(value) > LINE // 2 or any(isinstance(item, dict | list) and item for item in inner):
        return None
    return json.dumps(value, ensure_ascii=False)


def _filled(items: list[str], indent: str) -> str:
    lines, line = [], indent
    for n, item in enumerate(items):
        part = item if n == len(items) - 1 else f"{item}, "
        if len(line) + len(part) > LINE and line != indent:
            lines.append(line.rstrip())
            line = indent
        line += part
    return "\n".join([*lines, line])


def json_markup(shown: str | None) -> Markup:
    """A JSON text as escaped, coloured HTML, cut where it is long, as it is where Python cannot read it.

    None: a value that is too large to show, or that the database cannot write.
    """
    if shown is None:
        return Markup('<span class="jc">too large to show</span>')
    text = _laid_out(shown)
    cut = text[:SHOWN]
    parts: list[Markup] = []
    at = 0
    for match in _TOKEN.finditer(cut):
        parts.append(escape(cut[at : match.start()]))
        string, colon, number, word = match.groups()
        kind = "k" if colon else "s" if string else "n" if number else "w"
        parts.append(Markup('<span class="j{}">{}</span>').format(kind, string or number or word))
        parts.append(escape(colon or ""))
        at = match.end()
    parts.append(escape(cut[at:]))
    if len(text) > SHOWN:
        parts.append(Markup('\n<span class="jc">… and more</span>'))
    return Markup("").join(parts)


def _laid_out(shown: str) -> str:
    if len(shown) > SHOWN:
        return shown  # its end is missing
    try:
        return json_text(json.loads(shown))
    except (ValueError, RecursionError):
        return shown


def word(status: str) -> str:
    """What people call a status, of a worker too."""
    return STATUSES[status].word if status in STATUSES else status


def icon_of(status: str) -> str:
    """The drawing of a status, and the end of its colour's class."""
    return STATUSES[status].icon if status in STATUSES else _OF_WORKERS.get(status, status)
