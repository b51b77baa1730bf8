"""Alembic's migrations: Python modules with revisions."""

from __future__ import annotations

import hashlib

from pgflow_shared.styles.chain import Node, assignments, parse
from pgflow_shared.styles.style import Style


class Alembic(Style):
    name = "alembic"
    is_chained = True

    def link(self, name: str) -> str:
        """A revision: it has room for 32 characters, and none is to be met twice by chance."""
        return f"pgflow_{hashlib.sha256(name.encode()).hexdigest()[:16]}"

    def node(self, name: str, text: str, app: str) -> Node | None:
        module = parse(text)
        values = dict(assignments(module.body)) if module is not None else {}
        revision, down = values.get("revision"), values.get("down_revision")
        if not isinstance(revision, str):
            return None
        after = down if isinstance(down, tuple) else (down,)
        return Node(name, revision, frozenset(link for link in after if isinstance(link, str)))


STYLE = Alembic()
