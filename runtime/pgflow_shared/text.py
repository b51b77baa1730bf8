"""Numbers, lists and near misses in sentences."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches


def counted(number: int, noun: str) -> str:
    """``1 flow``, ``1,200 flows``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def listed(items: Sequence[str], most: int = 4) -> str:
    """``a, b and 3 more``: at most ``most`` of the items by name."""
    more = f" and {len(items) - most} more" if len(items) > most else ""
    return ", ".join(items[:most]) + more


def joined(items: Sequence[str], word: str) -> str:
    """All of them: ``a, b or c``, or with another ``word`` before the last."""
    *first, last = items
    return f"{', '.join(first)} {word} {last}" if first else last


def closest(wanted: str, known: Iterable[str]) -> str | None:
    """The known name that ``wanted`` was most likely meant to be, if any is close."""
    matches = get_close_matches(wanted, sorted(known), n=1, cutoff=0.6)
    return matches[0] if matches else None
