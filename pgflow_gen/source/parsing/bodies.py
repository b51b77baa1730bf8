"""Source text without what functions do.

Most of a module is the inside of functions, of which nothing is generated. libcst takes its time by the
amount of code, so it is given the text with these lines emptied; every other character keeps its place.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterable, Sequence
from typing import TypeAlias

from pgflow_shared.kinds import WRITTEN

_Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef
_PLAIN = frozenset({int, str, type(None)})
_DECORATORS = frozenset(WRITTEN)


def without_bodies(text: str, tree: ast.Module) -> str:
    """``text`` with ``pass`` in place of what its top-level functions do after their docstrings.

    A body is kept where it may make a flow or a step, which is a fault to report there, or a generator, or
    gives the module's names other values.
    """
    if "\r" in text or "\f" in text:
        return text
    functions = [item for item in tree.body if isinstance(item, _Function)]
    suspicious = _suspicious_names(tree)
    words = _words(suspicious)
    lines = text.split("\n")
    for function in functions:
        place = _removable(function, lines)
        if place is None:
            continue
        first, last, column = place
        body = "\n".join(lines[first - 1 : last])
        # A look at the text tells most bodies; Python also takes other letters for those of a name.
        if (not body.isascii() or words.search(body)) and _may_matter(function.body, suspicious):
            continue
        lines[first - 1] = f"{lines[first - 1][:column]}pass"
        lines[first:last] = [""] * (last - first)
    return "\n".join(lines)


def _words(suspicious: frozenset[str] | None) -> re.Pattern[str]:
    """Matches every text that ``_may_matter`` could mind."""
    if suspicious is None:
        return re.compile("")
    names = "|".join(map(re.escape, sorted({*suspicious, *_DECORATORS, "yield", "global"})))
    return re.compile(rf"@|\b(?:{names})\b")


def children(nodes: Iterable[ast.AST]) -> list[ast.AST]:
    """The nodes right below ``nodes``: ``ast.iter_child_nodes`` for many, in a fraction of its time."""
    found: list[ast.AST] = []
    for node in nodes:
        for value in vars(node).values():
            if type(value) is list:
                found += [item for item in value if isinstance(item, ast.AST)]
            elif type(value) not in _PLAIN and isinstance(value, ast.AST):
                found.append(value)
    return found


def _removable(function: _Function, lines: Sequence[str]) -> tuple[int, int, int] | None:
    """First line, last line and column of what stands below a docstring, if it has these lines to itself."""
    documented = ast.get_docstring(function, clean=False) is not None
    if len(function.body) <= documented or function.end_lineno is None:
        return None
    first = function.body[documented]
    begin, column = first.lineno, first.col_offset
    if isinstance(first, _Function | ast.ClassDef):
        begin = min([begin, *(decorator.lineno for decorator in first.decorator_list)])
    if not lines[begin - 1][:column].isspace():
        return None
    return begin, function.end_lineno, column


def _suspicious_names(tree: ast.Module) -> frozenset[str] | None:
    """Names at module level whose call may make a flow; None when any name may (``import *``).

    Functions, classes and the standard library's modules make none.
    """
    found: set[str] = set()
    level: list[ast.AST] = list(tree.body)
    while level:
        inner: list[ast.AST] = []
        for node in level:
            if isinstance(node, ast.Import):
                found.update(
                    (item.asname or item.name).split(".")[0] for item in node.names if not _is_std(item.name)
                )
            elif isinstance(node, ast.ImportFrom):
                if node.level or not _is_std(node.module or ""):
                    if any(item.name == "*" for item in node.names):
                        return None
                    found.update(item.asname or item.name for item in node.names)
            elif isinstance(node, ast.Name):
                if not isinstance(node.ctx, ast.Load):
                    found.add(node.id)
            elif not isinstance(node, _Function | ast.ClassDef | ast.Lambda):
                inner.append(node)
        level = children(inner)
    return frozenset(found)


def _is_std(module: str) -> bool:
    return module.split(".")[0] in sys.stdlib_module_names


def _may_matter(body: Iterable[ast.AST], suspicious: frozenset[str] | None) -> bool:
    level = list(body)
    while level:
        for node in level:
            match node:
                case ast.Yield() | ast.YieldFrom() | ast.Global():
                    return True
                case ast.Attribute(attr=name) if name in _DECORATORS:
                    return True
                case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef() if node.decorator_list:
                    return True
                case ast.Call(func=func):
                    while isinstance(func, ast.Attribute | ast.Subscript | ast.Call):
                        func = func.func if isinstance(func, ast.Call) else func.value
                    if isinstance(func, ast.Name) and (suspicious is None or func.id in suspicious):
                        return True
                case _:
                    pass
        level = children(level)
    return False
