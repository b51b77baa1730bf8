"""The end of a chain of migrations: what the next one follows."""

from __future__ import annotations

from collections.abc import Mapping

from pgflow_gen.write.errors import WriteError
from pgflow_shared.styles.chain import Node, ends


def end(nodes: Mapping[str, Node]) -> str | None:
    """What the next migration follows. Raises WriteError when the chain has several ends."""
    found = ends(nodes.values())
    if len(found) > 1:
        raise WriteError(
            f"the migrations end in several: {', '.join(node.name for node in found)}",
            help="merge them first (`alembic merge heads`, `makemigrations --merge`), then build again",
        )
    return found[0].link if found else None
