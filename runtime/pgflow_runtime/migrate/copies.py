"""The core's migrations as files for another migration tool: names, order, and what is there already."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pgmq.install import get_embedded_install_sql

from pgflow_runtime.errors import ProjectError, UsageError
from pgflow_runtime.migrate.ledger import digest_of
from pgflow_runtime.migrate.modules import chain_end, module_text
from pgflow_shared.styles import style_of
from pgflow_shared.styles.numbering import Numbering
from pgflow_shared.styles.style import Style
from pgflow_shared.system.files import NotText, read_text
from pgflow_sql import migration_files

_NUMBERED = re.compile(r"^(\d{1,6}|\d{14})_")
_STAMP_LENGTH = 14


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
    own = style_of(style)
    prefixes = _Prefixes(present, own, now)
    if own.is_chained:
        return _modules(folder, present, prefixes, sources, own)
    return [_copy(folder, present, prefixes, name, own.wrap(text)) for name, text in sources]


def _modules(
    folder: Path, present: list[str], prefixes: _Prefixes, sources: list[tuple[str, str]], style: Style
) -> list[Copy]:
    """Python modules, each after the one before; Django's folder must be a package as well."""
    app = style.app(folder.resolve())
    texts = {name: _read(folder / name) for name in present if name.endswith(".py")}
    copies = [Copy("__init__.py", "", "__init__.py" in present)] if style.is_package else []
    end = chain_end(style, texts, app)
    for source, sql in sources:
        stem = source.removesuffix(".sql")
        found = next((name for name in texts if re.fullmatch(rf"\d+_{re.escape(stem)}\.py", name)), None)
        if found is not None:
            node = style.node(found, texts[found], app)
            after = min(node.after, default=None) if node is not None else None
            text = module_text(style, found, sql, after, app)
            _refuse_edited(folder / found, texts[found], text)
            copies.append(Copy(found, text, is_present=True))
        else:
            name = f"{prefixes.following()}_{stem}.py"
            copies.append(Copy(name, module_text(style, name, sql, end, app), is_present=False))
            end = style.link(name)
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

    def __init__(self, present: list[str], style: Style, now: datetime) -> None:
        found = [match[1] for name in present if (match := _NUMBERED.match(name))]
        self._width = max((len(number) for number in found), default=4)
        self._numbering = Numbering(
            max((int(number) for number in found), default=0),
            now,
            stamped=style.is_stamped or any(len(number) == _STAMP_LENGTH for number in found),
        )

    def following(self) -> str:
        return str(self._numbering.following()).zfill(self._width)


def _names(folder: Path) -> list[str]:
    if not folder.exists():
        return []
    try:
        return sorted(path.name for path in folder.iterdir())
    except OSError as error:
        raise ProjectError(f"{folder} cannot be read: {error.strerror}") from error


def _read(path: Path) -> str:
    try:
        return read_text(path)
    except (OSError, NotText) as error:
        raise ProjectError(f"{path} cannot be read: {error}") from error
