"""Source text to a concrete syntax tree with positions; what does not parse is a PGF101 or PGF102.

libcst places a syntax error at the token after the fault, so CPython's own parser is asked for the place
and the wording. It is also asked first, because libcst has no limit on nesting and would take the whole
process down with it.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import libcst as cst

from pgflow_gen.diagnostics import Diagnostic, Span
from pgflow_gen.source.bodies import children, without_bodies
from pgflow_gen.source.positions import Place, outline, positions
from pgflow_gen.source.text import SourceText

MAX_DEPTH = 150
"""Levels of nesting we read. Hand-written code has 10 to 20; libcst's recursion ends near 240."""

# CPython's words for syntax that is newer than the running interpreter (PEP 695, 701, 758...).
_MAYBE_NEWER = re.compile(r"invalid syntax|expected |f-string|multiple exception types|t-string|'type' ")
_CHAIN_BREAKS = frozenset({",", ":", "="})
_CHAIN_WORDS = frozenset({"not", "lambda", "else", "and", "or", "if", "elif", "await", "in", "is"})


@dataclass(slots=True, repr=False, eq=False)
class ParsedFile:
    """A file and its tree, in which functions may lack their bodies.

    Positions are computed when the first span is asked for.

    ``starts`` are the lines of the module's statements, where CPython's parser could tell.
    """

    source: SourceText
    tree: cst.Module
    starts: Sequence[int] | None = None
    _places: Mapping[int, Place] | None = None
    _is_whole: bool = False

    def span(self, node: cst.CSTNode) -> Span:
        """Where ``node`` stands; the end is exclusive."""
        place = self._outline().get(id(node))
        if place is None and not self._is_whole:
            self._places, self._is_whole = positions(self.tree), True
            place = self._places.get(id(node))
        if place is None:
            return Span.file(self.source.path)
        line, column, end_line, end_column = place
        return Span(self.source.path, line, column + 1, end_line, end_column + 1)

    def _outline(self) -> Mapping[int, Place]:
        if self._places is None:
            self._places = outline(self.tree, self.starts) if self.starts is not None else {}
        return self._places

    def code(self, node: cst.CSTNode) -> str:
        """The node's own text."""
        return self.tree.code_for_node(node).strip()


def parse(source: SourceText) -> ParsedFile | Diagnostic:
    """Parse a file, or say why not: PGF101 for a syntax error, PGF102 for bottomless nesting."""
    opinion = _examine(source)
    if isinstance(opinion, Diagnostic):
        return opinion
    try:
        if isinstance(opinion, SyntaxError):
            return ParsedFile(source, cst.parse_module(source.text))
        starts = [_first_line(statement) for statement in opinion.body]
        return ParsedFile(source, cst.parse_module(without_bodies(source.text, opinion)), starts)
    except cst.ParserSyntaxError as error:
        if isinstance(opinion, SyntaxError):
            return _syntax_error(source, opinion)
        return Diagnostic(
            "PGF101",
            f"syntax error: {error.message}",
            Span(source.path, error.raw_line, error.raw_column + 1, error.raw_line, error.raw_column + 2),
        )
    except RecursionError:
        return _too_deep(source)


def parse_expression(text: str) -> cst.BaseExpression | None:
    """An annotation written as a string; None when it is no expression."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text.strip(), mode="eval")
        if _depth(tree) > MAX_DEPTH:
            return None
        return cst.parse_expression(text.strip())
    except (SyntaxError, ValueError, MemoryError, RecursionError, cst.ParserSyntaxError):
        return None


def _examine(source: SourceText) -> SyntaxError | Diagnostic | ast.Module:
    """CPython's opinion. A SyntaxError that may only mean newer syntax is handed back for libcst to judge."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(source.text)
    except SyntaxError as error:
        if "too many nested" in (error.msg or "") or "too many levels" in (error.msg or ""):
            return _syntax_error(source, error)
        if not _MAYBE_NEWER.search(error.msg or ""):
            return _syntax_error(source, error)
        return _too_deep(source) if _looks_deep(source.text) else error
    except (MemoryError, RecursionError):
        return _too_deep(source)
    except ValueError as error:
        return Diagnostic("PGF102", f"cannot read the file: {error}", Span.file(source.path))
    return _too_deep(source) if _depth(tree) > MAX_DEPTH else tree


def _first_line(statement: ast.stmt) -> int:
    decorators: list[ast.expr] = getattr(statement, "decorator_list", [])
    return decorators[0].lineno if decorators else statement.lineno


def _syntax_error(source: SourceText, error: SyntaxError) -> Diagnostic:
    line = min(max(error.lineno or 1, 1), source.text.count("\n") + 1)
    column = max(error.offset or 1, 1)
    end_line, end_column = error.end_lineno or line, error.end_offset or column + 1
    if (end_line, end_column) <= (line, column):
        end_line, end_column = line, column + 1
    return Diagnostic(
        "PGF101", f"syntax error: {error.msg}", Span(source.path, line, column, end_line, end_column)
    )


def _too_deep(source: SourceText) -> Diagnostic:
    return Diagnostic(
        "PGF102",
        f"cannot read the file: its code is nested deeper than {MAX_DEPTH} levels",
        Span.file(source.path),
        help="split long chains of operators, calls or elif into several statements",
    )


def _depth(tree: ast.AST) -> int:
    """Levels of nodes below ``tree``, counted without recursion."""
    depth = 0
    level: list[ast.AST] = [tree]
    while level and depth <= MAX_DEPTH:
        depth += 1
        level = children(level)
    return depth


def _looks_deep(text: str) -> bool:
    """A rough measure from tokens alone, for files that CPython's parser does not read."""
    brackets = chain = indent = 0
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type in (tokenize.INDENT, tokenize.DEDENT):
                indent += 1 if token.type == tokenize.INDENT else -1
            elif token.type == tokenize.NEWLINE:
                chain = 0
            elif token.type == tokenize.OP or token.string in _CHAIN_WORDS:
                brackets += (token.string in "([{") - (token.string in ")]}")
                chain = 0 if token.string in _CHAIN_BREAKS else chain + 1
            if max(brackets, chain, indent) > MAX_DEPTH:
                return True
    except (tokenize.TokenError, SyntaxError):
        return False
    return False
