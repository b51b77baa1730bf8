"""Valid Python that libcst does not read, spelled so that it does: the same statements on the same lines.

CPython has the say about what Python is. Where its parser reads a file and libcst does not, the statements
concerned are written out again from CPython's tree: one spelling for the many that the grammar allows, no
chain deeper than libcst can follow. Nothing that may make a flow, a step or a type is left out, so that the
readers above see what they would have seen; columns are lost, lines are kept.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import field

from pgflow_gen.light_dataclass import dataclass
from pgflow_gen.source.parsing.shallow import ELIF_CHAIN, make_shallow

_INDENT = "    "


class Unspellable(Exception):
    """A statement that finds no place on its own lines. ``line``: its first."""

    def __init__(self, line: int) -> None:
        super().__init__(line)
        self.line = line


def respell(lines: Sequence[str], tree: ast.Module, is_readable: Callable[[str], bool]) -> list[str]:
    """``lines`` with those top-level statements of ``tree`` spelled anew that ``is_readable`` refuses.

    Raises: Unspellable.
    """
    result = list(lines)
    for first, last, statements in _pieces(tree):
        if not is_readable("\n".join(lines[first - 1 : last])):
            result[first - 1 : last] = _spelled(statements, last)[first - 1 :]
    return result


def respell_all(lines: Sequence[str], tree: ast.Module, _: Callable[[str], bool]) -> list[str]:
    """Every statement spelled anew; comments are gone. Raises: Unspellable."""
    return _spelled(tree.body, len(lines))


def _spelled(statements: Sequence[ast.stmt], count: int) -> list[str]:
    speller = _Speller([""] * count)
    make_shallow(statements)
    speller.block(statements, 0)
    return speller.lines


def _pieces(tree: ast.Module) -> Iterator[tuple[int, int, list[ast.stmt]]]:
    """First line, last line and statements of what shares no line with anything else."""
    waiting: list[ast.stmt] = []
    for statement in tree.body:
        if waiting and first_line(statement) > (waiting[-1].end_lineno or 0):
            yield first_line(waiting[0]), waiting[-1].end_lineno or 0, waiting
            waiting = []
        waiting.append(statement)
    if waiting:
        yield first_line(waiting[0]), waiting[-1].end_lineno or 0, waiting


def first_line(statement: ast.stmt) -> int:
    """The line of a statement, with its decorators."""
    decorators: list[ast.expr] = getattr(statement, "decorator_list", [])
    return decorators[0].lineno if decorators else statement.lineno


@dataclass(slots=True)
class _Speller:
    lines: list[str]
    _last: int = field(default=0)
    """The last line that was written on."""

    def block(self, statements: Sequence[ast.stmt], level: int) -> None:
        for statement in statements:
            self._statement(statement, level)

    def _put(self, line: int, level: int, text: str) -> None:
        parts = text.split("\n")
        at = line - 1
        if len(parts) > 1 and (at + len(parts) > len(self.lines) or any(self.lines[at : at + len(parts)])):
            raise Unspellable(line)
        before = self.lines[at]
        if not before:
            self.lines[at] = _INDENT * level + parts[0]
        else:
            # Two statements share a line: in a block's head and body, or with a semicolon.
            self.lines[at] = before + (" " if before.endswith(":") else "; ") + parts[0]
        if len(parts) > 1:
            self.lines[at + 1 : at + len(parts)] = parts[1:]
        self._last = max(self._last, line + len(parts) - 1)

    def _statement(self, statement: ast.stmt, level: int) -> None:
        match statement:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                for decorator in statement.decorator_list:
                    self._put(decorator.lineno, level, f"@{ast.unparse(decorator)}")
                self._head(statement, level)
            case ast.If():
                self._if(statement, level)
            case ast.For() | ast.AsyncFor() | ast.While():
                self._head(statement, level)
                self._after("else:", statement.orelse, level)
            case ast.With() | ast.AsyncWith():
                self._head(statement, level)
            case ast.Try() | ast.TryStar():
                self._try(statement, level)
            case ast.Match():
                self._put(statement.lineno, level, f"match {ast.unparse(statement.subject)}:")
                for arm in statement.cases:
                    guard = f" if {ast.unparse(arm.guard)}" if arm.guard is not None else ""
                    self._put(arm.pattern.lineno, level + 1, f"case {ast.unparse(arm.pattern)}{guard}:")
                    self.block(arm.body, level + 2)
            case _:
                self._put(statement.lineno, level, _simple(statement))

    def _head(self, statement: ast.stmt, level: int, word: str = "") -> None:
        """What stands before a block, and the block."""
        head = copy.copy(statement)
        body: list[ast.stmt] = getattr(statement, "body", [])
        for name, value in {"body": [ast.Pass()], "orelse": [], "decorator_list": []}.items():
            if hasattr(head, name):
                setattr(head, name, value)
        text = ast.unparse(head).strip().rsplit("\n", 1)[0]
        self._put(statement.lineno, level, word + text)
        self.block(body, level + 1)

    def _if(self, statement: ast.If, level: int) -> None:
        word, links = "", 0
        while True:
            self._head(statement, level, word)
            match statement.orelse:
                case [ast.If() as after]:
                    # A chain of thousands is told as several: each of its blocks stays a conditional one.
                    links += 1
                    statement, word = after, "" if links % ELIF_CHAIN == 0 else "el"
                case after:
                    self._after("else:", after, level)
                    return

    def _try(self, statement: ast.Try | ast.TryStar, level: int) -> None:
        self._put(statement.lineno, level, "try:")
        self.block(statement.body, level + 1)
        for handler in statement.handlers:
            text = "except*" if isinstance(statement, ast.TryStar) else "except"
            text += f" {ast.unparse(handler.type)}" if handler.type is not None else ""
            text += f" as {handler.name}" if handler.name is not None else ""
            self._put(handler.lineno, level, f"{text}:")
            self.block(handler.body, level + 1)
        self._after("else:", statement.orelse, level)
        self._after("finally:", statement.finalbody, level)

    def _after(self, word: str, statements: Sequence[ast.stmt], level: int) -> None:
        """A part whose head has no place in CPython's tree: right above its block, or on its line."""
        if not statements:
            return
        line = first_line(statements[0])
        self._put(line - 1 if line - 1 > self._last else line, level, word)
        self.block(statements, level + 1)


def _simple(statement: ast.stmt) -> str:
    match statement:
        case ast.Expr(value=ast.Constant(value=str(text))):
            return repr(text)
        case ast.AnnAssign(target=ast.Name(), simple=0):
            # ``(name): int``: a declaration to every checker of types.
            declared = copy.copy(statement)
            declared.simple = 1
            return ast.unparse(declared)
        case _:
            return ast.unparse(statement)
