"""A project's flow migrations as files: which there are, in which order, and what is in them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from pgflow_runtime.errors import ProjectError
from pgflow_runtime.migrate.ledger import digest_of
from pgflow_shared.styles import chained_styles
from pgflow_shared.system.files import NotText, read_text

_FLOW = re.compile(r"\bpgflow\.(?:create_flow|alter_flow|add_step|alter_step)\s*\(\s*'([A-Za-z0-9_]+)'")
_FRAME = re.compile(
    r"^[ \t]*(?:begin|commit|start[ \t]+transaction)[ \t]*;[ \t]*$", re.IGNORECASE | re.MULTILINE
)
_STRUCTURE = re.compile(r"^--\s*Structure\s+(sha256:[0-9a-f]{64})\s*$", re.MULTILINE)
_CORE_COPY = re.compile(r"\d+_pgflow_(?:pgmq|\d{4}_\w+)\.sql")
"""What ``install`` puts into the folder of another tool: the core, which ``migrate`` brings itself."""
_UP = re.compile(r"^--\s*migrate:up\b.*$", re.MULTILINE)
_DOWN = re.compile(r"^--\s*migrate:down\b.*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class FlowMigration:
    """One file. ``digest`` is of the whole text, ``script`` what is run inside our own transaction."""

    name: str
    text: str

    @property
    def digest(self) -> str:
        return digest_of(self.text)

    @property
    def script(self) -> str:
        """The statements, without a transaction's frame (ours is around them) and dbmate's down part."""
        text = self.text.replace("\r\n", "\n")
        up = _UP.search(text)
        if up:
            down = _DOWN.search(text, up.end())
            head, body = text[: up.end()], text[up.end() : down.start() if down else None]
            text = "\n" * head.count("\n") + body
        return _FRAME.sub("", text)

    @property
    def structure_hash(self) -> str | None:
        """The structure the file says its flow has; None for files that say nothing."""
        found = _STRUCTURE.search(self.text)
        return found[1] if found else None

    @property
    def flow_slugs(self) -> tuple[str, ...]:
        """The flows the file defines or changes, as the database calls them."""
        return tuple(dict.fromkeys(_FLOW.findall(self.script)))


def read_flow_migrations(folder: Path, style: str) -> tuple[FlowMigration, ...]:
    """The migrations of a project in order of name; none if the folder is missing.

    Copies of the core are left out. Raises ProjectError for a style whose files are another tool's programs,
    and for unreadable files.
    """
    if style in chained_styles():
        raise ProjectError(
            f"flow migrations of style '{style}' are applied by {style}, not by pgflow-gen migrate",
            help=f"run `pgflow-gen migrate --core-only` (or copy the core once with `pgflow-gen install"
            f" --style {style}`), then {style}'s own command",
        )
    if not folder.is_dir():
        return ()
    try:
        return tuple(
            FlowMigration(path.name, _text(path))
            for path in sorted(folder.glob("*.sql"), key=lambda path: path.name)
            if not _CORE_COPY.fullmatch(path.name)
        )
    except OSError as error:
        raise ProjectError(f"the migrations in {folder} cannot be read: {error}") from error


def _text(path: Path) -> str:
    try:
        return read_text(path)
    except NotText as error:
        raise ProjectError(f"the migration {path} cannot be read: {error}") from error
