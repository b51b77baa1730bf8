"""Where the nodes of a tree stand.

libcst finds positions by writing the code out again and counting. Its own provider spends most of its time
on objects for every node and a second walk; here the same walk is counted in plain numbers.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import TypeAlias

import libcst as cst
from libcst._nodes.internal import CodegenState
from libcst.metadata import MetadataWrapper, PositionProvider

Place: TypeAlias = tuple[int, int, int, int]
"""Line and column of the start and of the end (exclusive); lines count from 1, columns from 0."""

_FRAMES = 5000
"""Enough for the deepest tree that is read, at ten frames a level; they are Python's own, on the heap."""


def positions(tree: cst.Module) -> Mapping[int, Place]:
    """The place of every node of ``tree``, by ``id(node)``."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(max(limit, _FRAMES))
    try:
        state = _Counter(tree.default_indent, tree.default_newline)
        tree._codegen(state)
        return state.places
    except (AttributeError, TypeError):
        # Another libcst, with other internals: its public door is slower and says the same.
        found = MetadataWrapper(tree, unsafe_skip_copy=True).resolve(PositionProvider)
        return {
            id(node): (place.start.line, place.start.column, place.end.line, place.end.column)
            for node, place in found.items()
        }
    finally:
        sys.setrecursionlimit(limit)


@dataclass(slots=True)
class _Counter(CodegenState):
    """Receives the tokens of the code and counts lines and columns instead of keeping them."""

    line: int = 1
    column: int = 0
    places: dict[int, Place] = field(default_factory=dict)
    _starts: list[tuple[int, int]] = field(default_factory=list)

    def add_indent_tokens(self) -> None:
        for token in self.indent_tokens:
            self.column += len(token)

    def add_token(self, value: str) -> None:
        if "\n" not in value and "\r" not in value:
            self.column += len(value)
            return
        lines = value.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        self.line += len(lines) - 1
        self.column = len(lines[-1])

    def pop_trailing_newline(self) -> None:
        pass

    def before_codegen(self, node: cst.CSTNode) -> None:
        self._starts.append((self.line, self.column))

    def after_codegen(self, node: cst.CSTNode) -> None:
        line, column = self._starts.pop()
        # A place that the node has recorded itself, without its whitespace, is the better one.
        self.places.setdefault(id(node), (line, column, self.line, self.column))

    def record_syntactic_position(  # type: ignore[override]
        self,
        node: cst.CSTNode,
        *,
        start_node: cst.CSTNode | None = None,
        end_node: cst.CSTNode | None = None,
    ) -> _Recording:
        return _Recording(self, node, self.line, self.column, start_node, end_node)


@dataclass(slots=True)
class _Recording:
    """Between entering and leaving, a node writes what is syntactically its own."""

    counter: _Counter
    node: cst.CSTNode
    line: int
    column: int
    start_node: cst.CSTNode | None
    end_node: cst.CSTNode | None

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        counter, places = self.counter, self.counter.places
        start = (self.line, self.column)
        end = (counter.line, counter.column)
        if self.start_node is not None:
            start = places[id(self.start_node)][:2]
        if self.end_node is not None:
            end = places[id(self.end_node)][2:]
        places[id(self.node)] = (*start, *end)
