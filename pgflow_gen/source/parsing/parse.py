"""Source text to a concrete syntax tree with positions; what does not parse is a PGF101 or PGF102.

CPython's own parser is asked first. It alone says what a syntax error is, where and in which words; and
libcst has no limit on nesting and would take the whole process down with it. What CPython reads and libcst
does not is given to libcst in another spelling.
"""

from __future__ import annotations

import ast
import contextlib
import io
import re
import tokenize
import warnings
from collections.abc import Mapping, Sequence

import libcst as cst

from pgflow_gen.diagnostics import Diagnostic, Span
from pgflow_gen.light_dataclass import dataclass
from pgflow_gen.source.files.text import SourceText
from pgflow_gen.source.identifiers import with_normal_names
from pgflow_gen.source.parsing.bodies import without_bodies
from pgflow_gen.source.parsing.positions import Place, outline, positions
from pgflow_gen.source.parsing.respell import Unspellable, first_line, respell, respell_all
from pgflow_gen.source.parsing.shallow import MAX_DEPTH, is_deep

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
    respelled: frozenset[int] = frozenset()
    """Lines whose text in the tree is another than in the file: places there are whole lines."""
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
        if line in self.respelled or end_line in self.respelled:
            return self._lines(line, end_line)
        return Span(self.source.path, line, column + 1, end_line, end_column + 1)

    def _outline(self) -> Mapping[int, Place]:
        if self._places is None:
            self._places = outline(self.tree, self.starts) if self.starts is not None else {}
        return self._places

    def _lines(self, first: int, last: int) -> Span:
        lines = self.source.text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        begin = len(lines[first - 1]) - len(lines[first - 1].lstrip())
        return Span(
            self.source.path, first, begin + 1, last, max(len(lines[last - 1].rstrip()), begin + 1) + 1
        )

    def code(self, node: cst.CSTNode) -> str:
        """The node's own text."""
        return self.tree.code_for_node(node).strip()


def parse(source: SourceText) -> ParsedFile | Diagnostic:
    """Parse a file, or say why not: PGF101 for CPython's syntax errors, PGF102 for the reader's limits."""
    opinion = _examine(source)
    if isinstance(opinion, Diagnostic):
        return opinion
    text, moved = with_normal_names(source.text)
    if isinstance(opinion, SyntaxError):
        return _parse_newer(source, text, moved, opinion)
    text = without_bodies(text, opinion)
    if not is_deep(source.text, opinion):
        # libcst has no words for some valid Python, and whatever else it raises is no fault of the file.
        with contextlib.suppress(Exception):
            starts = [first_line(item) for item in opinion.body]
            return ParsedFile(source, cst.parse_module(text), starts, moved)
    return _parse_respelled(source, text, moved)


def _parse_newer(
    source: SourceText, text: str, moved: frozenset[int], opinion: SyntaxError
) -> ParsedFile | Diagnostic:
    """Syntax that this interpreter does not know: here libcst is the only judge."""
    try:
        return ParsedFile(source, cst.parse_module(text), respelled=moved)
    except cst.ParserSyntaxError:
        return _syntax_error(source, opinion)
    except Exception:
        return _limit(source, max(opinion.lineno or 1, 1))


def _parse_respelled(source: SourceText, text: str, moved: frozenset[int]) -> ParsedFile | Diagnostic:
    """What CPython reads and libcst does not, in an easier spelling."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    line = 1
    for respelled in (respell, respell_all):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                tree = ast.parse(text)
            spelled = respelled(lines, tree, _is_readable)
            shown = frozenset(
                at for at, (one, other) in enumerate(zip(lines, spelled, strict=True), 1) if one != other
            )
            easier = "\n".join(spelled)
            if not is_deep(easier, ast.parse(easier)):
                return ParsedFile(source, cst.parse_module(easier), respelled=moved | shown)
        except cst.ParserSyntaxError as error:
            line = error.raw_line
        except Unspellable as error:
            line = error.line
        except Exception as error:
            line = getattr(error, "lineno", None) or line
    return _limit(source, line)


def _is_readable(text: str) -> bool:
    try:
        if is_deep(text, ast.parse(text)):
            return False
        cst.parse_module(text)
    except Exception:
        return False
    return True


def unquoted(node: cst.SimpleString | cst.ConcatenatedString) -> cst.BaseExpression | None:
    """The annotation between the quotes; None when there is none."""
    text = node.evaluated_value
    return parse_expression(text) if isinstance(text, str) else None


def parse_expression(text: str) -> cst.BaseExpression | None:
    """An annotation written as a string; None when it is no expression."""
    text, _ = with_normal_names(text.strip())
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text, mode="eval")
        if is_deep(text, tree):
            return None
        with contextlib.suppress(Exception):
            return cst.parse_expression(text)
        return cst.parse_expression(ast.unparse(tree))
    except Exception:
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
    return tree


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
        f"the reader's limit: the code is nested deeper than {MAX_DEPTH} levels, and this Python does not"
        " parse it",
        Span.file(source.path),
        help="split long chains of operators, calls or elif into several statements",
    )


def _limit(source: SourceText, line: int) -> Diagnostic:
    """What only this reader finds hard: never called a fault of the file's Python."""
    lines = source.text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    line = min(max(line, 1), len(lines))
    return Diagnostic(
        "PGF102",
        "the reader's limit: this is Python, but the compiler cannot read it",
        Span(source.path, line, 1, line, len(lines[line - 1]) + 1),
        help="spell it more simply, or move it to a module that no flow imports its types from",
    )


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
