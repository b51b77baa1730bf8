"""Which migration follows which, for tools whose files say so: read from the files, never executed."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pgflow_gen.write.errors import WriteError

_LABEL = re.compile(r"^\s+label\s*=\s*[\"'](\w+)[\"']", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Node:
    """A file: what others call it, and what it follows (nothing for a first one, several for a merge)."""

    name: str
    link: str
    after: frozenset[str]


def read_node(style: str, name: str, text: str, app: str) -> Node | None:
    """The file's place in the chain; None for one that is no migration (or no Python)."""
    try:
        with warnings.catch_warnings(action="ignore"):  # of odd escapes in other people's files
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    if style == "alembic":
        return _revision(name, tree)
    return _django(name, tree, app)


def ends(nodes: Mapping[str, Node]) -> list[Node]:
    """The nodes that no other follows, by name."""
    followed = {link for node in nodes.values() for link in node.after}
    return sorted((node for node in nodes.values() if node.link not in followed), key=lambda node: node.name)


def end(nodes: Mapping[str, Node]) -> str | None:
    """What the next migration follows. Raises WriteError when the chain has several ends."""
    found = ends(nodes)
    if len(found) > 1:
        raise WriteError(
            f"the migrations end in several: {', '.join(node.name for node in found)}",
            help="merge them first (`alembic merge heads`, `makemigrations --merge`), then build again",
        )
    return found[0].link if found else None


def app_label(folder: str, apps_module: str) -> str:
    """Django's label for the app around a folder: what its apps.py says, else the folder's name."""
    told = _LABEL.search(apps_module)
    return told[1] if told else folder


def _revision(name: str, tree: ast.Module) -> Node | None:
    values = dict(_assignments(tree.body))
    revision = values.get("revision")
    if not isinstance(revision, str):
        return None
    down = values.get("down_revision")
    after = down if isinstance(down, tuple | list) else (down,)
    return Node(name, revision, frozenset(link for link in after if isinstance(link, str)))


def _django(name: str, tree: ast.Module, app: str) -> Node | None:
    for item in tree.body:
        if isinstance(item, ast.ClassDef) and item.name == "Migration":
            needs = dict(_assignments(item.body)).get("dependencies")
            pairs = needs if isinstance(needs, tuple | list) else ()
            after = {pair[1] for pair in pairs if isinstance(pair, tuple) and pair[:1] == (app,)}
            return Node(name, name.removesuffix(".py"), frozenset(after))
    return None


def _assignments(body: list[ast.stmt]) -> Iterator[tuple[str, object]]:
    for item in body:
        match item:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                yield name, _value(value)
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                yield name, _value(value)


def _value(node: ast.expr) -> object:
    """A literal's value; of a list also when some of its items are none (``swappable_dependency(...)``)."""
    if isinstance(node, ast.List | ast.Tuple):
        return tuple(_value(item) for item in node.elts)
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, RecursionError):
        return None
