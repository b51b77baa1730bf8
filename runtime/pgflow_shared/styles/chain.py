"""Which migration follows which, for tools whose files say so: read from the files, never executed."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Node:
    """A file: what others call it, and what it follows (nothing for a first one, several for a merge)."""

    name: str
    link: str
    after: frozenset[str]


def ends(nodes: Iterable[Node]) -> list[Node]:
    """The nodes that no other follows, by name."""
    known = list(nodes)
    followed = {link for node in known for link in node.after}
    return sorted((node for node in known if node.link not in followed), key=lambda node: node.name)


def parse(text: str) -> ast.Module | None:
    """The module; None where it is no Python."""
    try:
        with warnings.catch_warnings(action="ignore"):  # of odd escapes in other people's files
            return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def assignments(body: list[ast.stmt]) -> Iterator[tuple[str, object]]:
    """Names that are bound to literals, and the literals."""
    for statement in body:
        match statement:
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
