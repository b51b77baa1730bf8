"""A project to start from: configuration, one flow, tests, the hooks. ``put`` alone writes.

Nothing that exists is overwritten: a pyproject.toml and a .gitignore are added to, the rest is left alone.
"""

from __future__ import annotations

import tomllib
from codecs import BOM_UTF8
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from pgflow_gen.config import ConfigError
from pgflow_gen.disk import Folder
from pgflow_gen.light_dataclass import dataclass
from pgflow_shared.project import SECTION
from pgflow_shared.system.files import NotText, decode_text

_PYTEST_AND_MYPY = """
[tool.pytest.ini_options]
testpaths = ["tests"]
pythonpath = ["."]

[tool.mypy]
explicit_package_bases = true
"""
_HOOKS = """\
repos:
  - repo: local
    hooks:
      - id: pgflow-gen
        name: pgflow-gen build --check
        entry: pgflow-gen build --check
        language: system
        always_run: true
        pass_filenames: false
"""


@dataclass(frozen=True, slots=True)
class ProjectKind:
    """A kind of project: what stands in its table of the pyproject.toml, and the files that are its own."""

    configuration: str
    files: Mapping[str, str]
    ignored: tuple[str, ...]
    next: str
    """What to do then."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A file of the new project; ``text`` is None for one that stays as it is."""

    path: str
    text: str | None
    is_new: bool = True


def scaffold(root: Path, kind: ProjectKind) -> tuple[Piece, ...]:
    """What setting up ``root`` comes to. Raises ConfigError for files that cannot be added to."""
    return (
        _pyproject(root, kind.configuration),
        *(_unless_there(root, path, text) for path, text in kind.files.items()),
        _unless_there(root, ".pre-commit-config.yaml", _HOOKS),
        _gitignore(root, kind.ignored),
    )


def put(root: Folder, piece: Piece) -> None:
    """Write a piece, and nothing through a link. Raises ConfigError."""
    if piece.text is None:
        return
    *folders, name = piece.path.split("/")
    try:
        with ExitStack() as stack:
            inside = root
            for part in folders:
                inside = stack.enter_context(inside.enter(part, make=True))
            if piece.is_new:
                inside.create(name, piece.text.encode())  # a file that came since is nobody's to overwrite
            else:
                inside.read(name)  # which a link refuses
                inside.write(name, piece.text.encode())
    except OSError as error:
        raise ConfigError(
            f"{piece.path} cannot be written: {error.strerror}",
            "init writes through no symbolic link, and over no file that is there: move what is in the way",
        ) from error


def _unless_there(root: Path, path: str, text: str) -> Piece:
    place = root / path
    return Piece(path, None if place.exists() or place.is_symlink() else text)


def _pyproject(root: Path, configuration: str) -> Piece:
    """The section alone goes below what is there; a table at the end of a TOML file disturbs no other."""
    name = "pyproject.toml"
    old = _text(root / name)
    if old is None:
        return Piece(name, configuration + _PYTEST_AND_MYPY)
    known = _tables(root / name, old)
    tool = known.get("tool", {})
    if isinstance(tool, dict) and "pgflow-gen" in tool:
        return Piece(name, None)
    text = _added(old, configuration, gap="\n")
    try:
        tomllib.loads(text.removeprefix("\ufeff"))
    except tomllib.TOMLDecodeError:  # tool = {...} on one line takes no further tables
        raise ConfigError(
            f"{root / name}: [{SECTION}] cannot be added to the way tool is written there",
            f"add it by hand:\n\n{configuration}",
        ) from None
    return Piece(name, text, is_new=False)


def _tables(path: Path, text: str) -> dict[str, object]:
    try:
        return tomllib.loads(text.removeprefix("\ufeff"))
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigError(f"{path} is not valid TOML: {error}", "mend it, then run init again") from None


def _gitignore(root: Path, ignored: tuple[str, ...]) -> Piece:
    name = ".gitignore"
    old = _text(root / name)
    if old is None:
        return Piece(name, "".join(f"{line}\n" for line in ignored))
    there = {line.strip() for line in old.splitlines()}
    missing = [line for line in ignored if line not in there and line.rstrip("/") not in there]
    if not missing:
        return Piece(name, None)
    return Piece(name, _added(old, "".join(f"{line}\n" for line in missing)), is_new=False)


def _added(old: str, more: str, gap: str = "") -> str:
    """``more`` on lines of its own below ``old``, with the line ends that are used there."""
    newline = "\r\n" if "\r\n" in old else "\n"
    between = "" if not old or old.endswith("\n") else newline
    return old + between + ((gap if old.strip() else "") + more).replace("\n", newline)


def _text(path: Path) -> str | None:
    try:
        data = path.read_bytes()
        return ("\ufeff" if data.startswith(BOM_UTF8) else "") + decode_text(data)
    except FileNotFoundError:
        return None
    except NotText as error:
        raise ConfigError(f"cannot read {path}: {error}", "then run init again") from None
