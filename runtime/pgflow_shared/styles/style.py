"""What a style is asked: the answers here are those of SQL files with numbers; each style gives its own."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, TypeAlias

from pgflow_shared.styles.chain import Node

Purpose: TypeAlias = Literal["create", "alter"]


class Style:
    name = ""
    is_stamped = False
    """Whether a UTC time stands before the name, else a number."""
    is_chained = False
    """Whether each file names the one before it; such files are Python modules."""
    is_package = False
    """Whether the folder must hold an ``__init__.py``."""

    @property
    def suffix(self) -> str:
        return ".py" if self.is_chained else ".sql"

    @property
    def applied_by(self) -> str | None:
        """The tool that applies the files, where ``pgflow-gen migrate`` cannot: they are programs of its."""
        return self.name if self.is_chained else None

    def file_name(self, prefix: int, purpose: Purpose, flow: str) -> str:
        """``0001_crawl.sql``, ``0002_alter_crawl.sql``; ``20260301120000_create_crawl_flow.sql``."""
        if self.is_stamped:
            return f"{prefix}_{purpose}_{flow}_flow{self.suffix}"
        return f"{prefix:04d}_{'' if purpose == 'create' else 'alter_'}{flow}{self.suffix}"

    def frame(self, head: str, body: str) -> str:
        """A flow's migration as an SQL file: a comment, and calls that belong into one transaction."""
        return f"{head}begin;\n\n{body}\ncommit;\n"

    def wrap(self, sql: str) -> str:
        """A migration of the core, which holds its own transaction, as an SQL file."""
        return sql

    def link(self, name: str) -> str:
        """What a later file calls the file ``name``."""
        return name.removesuffix(self.suffix)

    def node(self, name: str, text: str, app: str) -> Node | None:
        """The file's place in the chain; None for one that is no migration, and where there is no chain."""
        return None

    def app(self, folder: Path) -> str:
        """What the tool calls the application that the migrations in ``folder`` belong to; often nothing."""
        return ""
