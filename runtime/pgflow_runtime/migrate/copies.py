"""The core's migrations as files for another migration tool: names, order, and what is there already."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from pgmq.install import get_embedded_install_sql

from pgflow_runtime.errors import ProjectError, UsageError
from pgflow_runtime.migrate.ledger import digest_of
from pgflow_sql import migration_files

STYLES: Final = ("plain", "supabase", "dbmate")

_NUMBERED = re.compile(r"^(\d+)")
_STAMP = "%Y%m%d%H%M%S"


@dataclass(frozen=True, slots=True)
class Copy:
    """One file to be in the user's folder; ``is_present`` if it is, under this name."""

    name: str
    text: str
    is_present: bool


def plan_copies(folder: Path, style: str, now: datetime, *, with_pgmq: bool) -> list[Copy]:
    """What ``install`` would have in ``folder``, in order.

    A file counts as present when its name ends as ours would and its content is ours. Raises UsageError for
    one with another content: it was edited, and overwriting it is not ours to decide.
    """
    present = _names(folder)
    sources = [(f"pgflow_{file.name}", file.text) for file in migration_files()]
    if with_pgmq:
        sources.insert(0, ("pgflow_pgmq.sql", get_embedded_install_sql()))
    prefixes = _Prefixes(present, style, now)
    return [_copy(folder, present, prefixes, name, _dressed(text, style)) for name, text in sources]


def _copy(folder: Path, present: list[str], prefixes: _Prefixes, name: str, text: str) -> Copy:
    for found in present:
        if re.fullmatch(rf"\d+_{re.escape(name)}", found):
            if digest_of(_read(folder / found)) != digest_of(text):
                raise UsageError(
                    f"{folder / found} differs from the migration it was copied from",
                    help="a migration must not be edited: restore it, and put the change in another file",
                )
            return Copy(found, text, is_present=True)
    return Copy(f"{prefixes.following()}_{name}", text, is_present=False)


class _Prefixes:
    """Numbers after the highest one there, as wide; UTC stamps, later than the latest one there."""

    def __init__(self, present: list[str], style: str, now: datetime) -> None:
        found = [match[1] for name in present if (match := _NUMBERED.match(name))]
        self._is_stamped = style != "plain" or any(len(number) == 14 for number in found)
        self._width = max((len(number) for number in found), default=4)
        self._last = max((int(number) for number in found), default=0)
        self._now = now

    def following(self) -> str:
        if self._is_stamped:
            stamp = self._now.strftime(_STAMP)
            while int(stamp) <= self._last:
                self._now = max(self._now, _moment(self._last, self._now)) + timedelta(seconds=1)
                stamp = self._now.strftime(_STAMP)
            self._last = int(stamp)
            return stamp
        self._last += 1
        return str(self._last).zfill(self._width)


def _moment(stamp: int, default: datetime) -> datetime:
    try:
        return datetime.strptime(str(stamp), _STAMP).replace(tzinfo=default.tzinfo)
    except ValueError:
        return default


def _dressed(text: str, style: str) -> str:
    return f"-- migrate:up\n{text}\n-- migrate:down\n" if style == "dbmate" else text


def _names(folder: Path) -> list[str]:
    if not folder.exists():
        return []
    try:
        return sorted(path.name for path in folder.iterdir())
    except OSError as error:
        raise ProjectError(f"{folder} cannot be read: {error.strerror}") from error


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ProjectError(f"{path} cannot be read: {error}") from error
