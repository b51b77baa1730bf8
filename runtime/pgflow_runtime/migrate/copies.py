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
from pgflow_runtime.migrate.modules import CHAINED, app_label, chain_end, follows, link, module_text
from pgflow_sql import migration_files

STYLES: Final = ("plain", "supabase", "dbmate", *CHAINED)

_NUMBERED = re.compile(r"^(\d{1,6}|\d{14})_")
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
    if style in CHAINED:
        return _modules(folder, present, prefixes, sources, style)
    return [_copy(folder, present, prefixes, name, _dressed(text, style)) for name, text in sources]


def _modules(
    folder: Path, present: list[str], prefixes: _Prefixes, sources: list[tuple[str, str]], style: str
) -> list[Copy]:
    """Python modules, each after the one before; Django's folder must be a package as well."""
    app = app_label(folder)
    texts = {name: _read(folder / name) for name in present if name.endswith(".py")}
    copies = [Copy("__init__.py", "", "__init__.py" in present)] if style == "django" else []
    end = chain_end(style, texts, app)
    for source, sql in sources:
        stem = source.removesuffix(".sql")
        found = next((name for name in texts if re.fullmatch(rf"\d+_{re.escape(stem)}\.py", name)), None)
        if found is not None:
            node = follows(style, found, texts[found], app)
            after = min(node[1], default=None) if node is not None else None
            text = module_text(style, found, sql, after, app)
            _refuse_edited(folder / found, texts[found], text)
            copies.append(Copy(found, text, is_present=True))
        else:
            name = f"{prefixes.following()}_{stem}.py"
            copies.append(Copy(name, module_text(style, name, sql, end, app), is_present=False))
            end = link(style, name)
    return copies


def _copy(folder: Path, present: list[str], prefixes: _Prefixes, name: str, text: str) -> Copy:
    for found in present:
        if re.fullmatch(rf"\d+_{re.escape(name)}", found):
            _refuse_edited(folder / found, _read(folder / found), text)
            return Copy(found, text, is_present=True)
    return Copy(f"{prefixes.following()}_{name}", text, is_present=False)


def _refuse_edited(path: Path, found: str, text: str) -> None:
    if digest_of(found) != digest_of(text):
        raise UsageError(
            f"{path} differs from the migration it was copied from",
            help="a migration must not be edited: restore it, and put the change in another file",
        )


class _Prefixes:
    """Numbers after the highest one there, as wide; UTC stamps, later than the latest one there."""

    def __init__(self, present: list[str], style: str, now: datetime) -> None:
        found = [match[1] for name in present if (match := _NUMBERED.match(name))]
        self._is_stamped = style in ("supabase", "dbmate") or any(len(number) == 14 for number in found)
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
