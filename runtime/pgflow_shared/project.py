"""A project: its pyproject.toml, what ``[tool.pgflow-gen]`` says there, and where things are kept.

Compiler and runtime judge what is said each by their needs: the one strictly, before it reads a flow; the
other only what the database commands use.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from pgflow_shared.system.files import NotText, read_text

SECTION = "tool.pgflow-gen"
KEYS = ("flows", "src", "out", "migrations", "style", "client_types", "roles")
FLOWS = ("flows",)
SRC = (".",)
OUT = "generated"
STYLE = "plain"
CLIENT_TYPES = ("typed_dict", "native")
"""What callers have for classes, the first where nothing is said."""
MIGRATIONS = "migrations"
"""Below ``out``, where nothing else is said."""
SCHEMAS = "schemas"
"""Below ``out``: a contract for each flow."""


class Unusable(Exception):
    """A pyproject.toml, or what it says about us, cannot be used. ``help`` says what to do about it."""

    def __init__(self, message: str, help: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.help = help


@dataclass(frozen=True, slots=True)
class ProjectTable:
    """What a project says of itself. Paths are POSIX, relative to ``root``, and not judged.

    The properties raise Unusable for values of the wrong type.
    """

    root: Path
    """Absolute and resolved: the folder of the pyproject.toml, or the start folder without one."""
    file: Path | None = None
    table: Mapping[str, object] = field(default_factory=dict)

    @property
    def flows(self) -> tuple[str, ...]:
        """Folders, files or globs."""
        return self._texts("flows", FLOWS)

    @property
    def src(self) -> tuple[str, ...]:
        """Import roots, in the order they are searched."""
        return self._texts("src", SRC)

    @property
    def out(self) -> str:
        return self._text("out", OUT)

    @property
    def migrations(self) -> str | None:
        """None where nothing is said: below the folder of output."""
        return self._text("migrations", f"{OUT}/{MIGRATIONS}") if "migrations" in self.table else None

    @property
    def style(self) -> str:
        return self._text("style", STYLE)

    @property
    def client_types(self) -> str:
        """What the generated client has for the classes of handlers."""
        return self._text("client_types", CLIENT_TYPES[0])

    @property
    def roles(self) -> bool:
        """Whether ``migrate`` sets roles up without being asked."""
        value = self.table.get("roles", False)
        if not isinstance(value, bool):
            raise Unusable(f"{self.file}: {SECTION}.roles must be true or false, not {value!r}")
        return value

    def _text(self, key: str, default: str) -> str:
        value = self.table.get(key, default)
        if not isinstance(value, str) or not value.strip() or "\0" in value:
            raise Unusable(
                f"{self.file}: {SECTION}.{key} must be a string, not {value!r}",
                f'for example {key} = "{default}"',
            )
        return value

    def _texts(self, key: str, default: tuple[str, ...]) -> tuple[str, ...]:
        value = self.table.get(key, list(default))
        wanted = f'for example {key} = ["{default[0]}"]'
        if not isinstance(value, list) or not value:
            raise Unusable(f"{self.file}: {SECTION}.{key} must be a list of strings, not {value!r}", wanted)
        for item in value:
            if not isinstance(item, str) or not item.strip() or "\0" in item:
                raise Unusable(f"{self.file}: {SECTION}.{key} must hold strings, not {item!r}", wanted)
        return tuple(dict.fromkeys(posix(item) for item in value))


def nearest(start: Path) -> ProjectTable:
    """The project that ``start`` lies in.

    Upward from there the first pyproject.toml with our table is taken, else the first one at all, else none,
    with ``start`` as the root. Raises Unusable for one that cannot be read.
    """
    start = start.resolve()
    first: Path | None = None
    for folder in (start, *start.parents):
        file = folder / "pyproject.toml"
        if not file.is_file():
            continue
        table = _table(file)
        if table is not None:
            return ProjectTable(folder, file, table)
        first = first or file
    return ProjectTable(first.parent if first is not None else start, first)


def read(file: Path) -> ProjectTable:
    """The project of a pyproject.toml. Raises Unusable for one that cannot be read."""
    return ProjectTable(file.resolve().parent, file, _table(file) or {})


def contract_files(schemas: Path) -> list[Path]:
    """The contracts of all flows, by name; none where there is no such folder."""
    return sorted(schemas.glob("*.json"))


def posix(text: str) -> str:
    """A path as it is written here, whatever system its writer is used to."""
    return PurePosixPath(text.replace("\\", "/")).as_posix()


def _table(file: Path) -> Mapping[str, object] | None:
    """Our table of a pyproject.toml, None when it has none."""
    try:
        data = tomllib.loads(read_text(file))
    except OSError as error:
        raise Unusable(f"cannot read {file}: {error.strerror or error}") from None
    except NotText as error:
        raise Unusable(f"cannot read {file}: {error}") from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise Unusable(f"{file} is not valid TOML: {error}", "correct the file") from None
    tool = data.get("tool", {})
    table = tool.get("pgflow-gen") if isinstance(tool, dict) else None
    if table is not None and not isinstance(table, dict):
        raise Unusable(f"{file}: {SECTION} must be a table", f"write [{SECTION}] on a line of its own")
    return table
