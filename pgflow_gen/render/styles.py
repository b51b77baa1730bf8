"""Migration styles: how a tool wants its files named and wrapped. What they do is the same in all of them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from pgflow_gen.render.environment import render_template
from pgflow_gen.render.sql import Script

Purpose: TypeAlias = Literal["create", "alter"]


@dataclass(frozen=True, slots=True)
class Style:
    """``is_stamped``: a UTC time stands before the name, else a number. ``is_chained``: each file names the
    one before it, and is a Python module."""

    name: str
    is_stamped: bool = False
    is_chained: bool = False

    @property
    def suffix(self) -> str:
        return ".py" if self.is_chained else ".sql"

    def file_name(self, prefix: int, purpose: Purpose, flow: str) -> str:
        """``0001_crawl.sql``, ``0002_alter_crawl.sql``; ``20260301120000_create_crawl_flow.sql``."""
        if self.is_stamped:
            return f"{prefix}_{purpose}_{flow}_flow{self.suffix}"
        return f"{prefix:04d}_{'' if purpose == 'create' else 'alter_'}{flow}{self.suffix}"

    def dress(self, script: Script, name: str, after: str | None, app: str) -> str:
        """The text of ``name``. ``after``: what it follows, in a chaining style; ``app``: Django's label."""
        if self.is_chained:
            title = name.removesuffix(self.suffix)
            context = {"script": script, "title": title, "link": self.link(name), "after": after, "app": app}
            return render_template(f"migration.{self.name}.jinja", **context)
        if self.name == "dbmate":
            # dbmate brings its own transaction.
            return f"{script.head}-- migrate:up\n\n{script.body}\n-- migrate:down\n"
        return script.framed

    def link(self, name: str) -> str:
        """What a later file calls the file ``name``: a revision, or a module's name."""
        return revision_id(name) if self.name == "alembic" else name.removesuffix(self.suffix)


STYLES: Mapping[str, Style] = {
    style.name: style
    for style in (
        Style("plain"),
        Style("supabase", is_stamped=True),
        Style("dbmate", is_stamped=True),
        Style("alembic", is_chained=True),
        Style("django", is_chained=True),
    )
}


def revision_id(name: str) -> str:
    """Alembic's id for a file: it has room for 32 characters, and none is to be met twice by chance."""
    return f"pgflow_{hashlib.sha256(name.encode()).hexdigest()[:16]}"
