"""Where the nodes of a tree stand.

libcst finds positions by writing the code out again and counting. Its own provider spends most of its time
on objects for every node and a second walk; here the same walk is counted in plain numbers. What a function
does is most of a module and hardly ever asked for: where CPython's parser has said on which lines the
statements start, the walk leaves functions at their colon.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import field
from types import TracebackType
from typing import TypeAlias

import libcst as cst
from libcst._nodes.internal import CodegenState
from libcst.metadata import MetadataWrapper, PositionProvider

from pgflow_gen.light_dataclass import dataclass

Place: TypeAlias = tuple[int, int, int, int]
"""Line and column of the start and of the end (exclusive); lines count from 1, columns from 0."""

_PINNED = frozenset(
    {
        "add_indent_tokens", "add_token", "after_codegen", "before_codegen", "decrease_indent",
        "default_indent", "default_newline", "increase_indent", "indent_tokens", "pop_trailing_newline",
        "provider", "record_syntactic_position", "tokens",
    }
)  # fmt: skip
"""What libcst tells whoever it writes code to, and how: we answer all of it."""
IS_KNOWN_LIBCST = frozenset(name for name in dir(CodegenState) if not name.startswith("_")) <= _PINNED
"""Where it tells more than that, counting might be wrong: then its public door is taken, and a test fails."""

_FRAMES = 5000
"""Enough for the deepest tree that is read, at ten frames a level; they are Python's own, on the heap."""


def positions(tree: cst.Module) -> Mapping[int, Place]:
    """The place of every node of ``tree``, by ``id(node)``."""
    if not IS_KNOWN_LIBCST:
        return _by_libcst(tree)
    try:
        with _deep_recursion():
            state = _Counter(tree.default_indent, tree.default_newline)
            tree._codegen(state)
            return state.places
    except (AttributeError, TypeError):
        return _by_libcst(tree)


def _by_libcst(tree: cst.Module) -> Mapping[int, Place]:
    """The same through libcst's public door, which is slower: for one with other internals."""
    found = MetadataWrapper(tree, unsafe_skip_copy=True).resolve(PositionProvider)
    return {
        id(node): (place.start.line, place.start.column, place.end.line, place.end.column)
        for node, place in found.items()
    }


def outline(tree: cst.Module, starts: Sequence[int]) -> Mapping[int, Place]:
    """The places of nodes outside functions' bodies; a node that is missing may still have one.

    ``starts`` are the lines of the module's statements, as ``ast`` counts statements: each of those that
    share a line by ``;`` counts, and a decorated one starts at its first decorator.
    """
    places: dict[int, Place] = {}
    if not IS_KNOWN_LIBCST:
        return places
    try:
        with _deep_recursion():
            at = 0
            for statement in tree.body:
                line = _first_line(statement, starts[at])
                at += len(statement.body) if isinstance(statement, cst.SimpleStatementLine) else 1
                if line is None:
                    continue
                state = _Outliner(tree.default_indent, tree.default_newline, line=line, places=places)
                try:
                    statement._codegen(state)
                except _FunctionBody:
                    continue
    except (AttributeError, TypeError, IndexError):
        return {}
    return places


def _first_line(statement: cst.CSTNode, start: int) -> int | None:
    """Where the empty lines and comments above a statement begin; None where that takes a closer look."""
    above: list[cst.EmptyLine] = list(getattr(statement, "leading_lines", ()))
    decorators: Sequence[cst.Decorator] = getattr(statement, "decorators", ())
    if decorators:
        above += decorators[0].leading_lines
        # CPython has no line for the @ itself, only for what follows it.
        blank = decorators[0].whitespace_after_at.value
        if "\n" in blank or "\r" in blank or getattr(decorators[0].decorator, "lpar", None):
            return None
    if any("\\" in line.whitespace.value for line in above):
        return None
    return start - len(above)


@contextmanager
def _deep_recursion() -> Iterator[None]:
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(max(limit, _FRAMES))
    try:
        yield
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


class _FunctionBody(Exception):
    """The walk has come to what a function does."""


@dataclass(slots=True)
class _Outliner(_Counter):
    _body: cst.BaseSuite | None = None

    def before_codegen(self, node: cst.CSTNode) -> None:
        if node is self._body:
            raise _FunctionBody
        if type(node) is cst.FunctionDef:
            self._body = node.body
        self._starts.append((self.line, self.column))


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
        if kind is not None:
            return
        counter, places = self.counter, self.counter.places
        start = (self.line, self.column)
        end = (counter.line, counter.column)
        if self.start_node is not None:
            start = places[id(self.start_node)][:2]
        if self.end_node is not None:
            end = places[id(self.end_node)][2:]
        places[id(self.node)] = (*start, *end)
