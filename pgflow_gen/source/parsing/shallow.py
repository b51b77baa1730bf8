"""Expressions too deep for libcst, made shallow: chains are balanced, the rest is cut into pieces.

No call, name or attribute is lost: pieces stand side by side in a call that nobody can take for a value, a
type, a flow or a decorator of one.
"""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Callable, Iterable, Sequence

from pgflow_gen.source.parsing.bodies import children

MAX_DEPTH = 150
"""Levels of nesting that libcst is given. Hand-written code has 10 to 20; its recursion ends near 240."""
ELIF_CHAIN = 50
_CHAIN = 30
"""Operands of one operator that stay as they are."""
_CUT = 40
"""Levels below which an expression is cut."""
_ASSOCIATIVE = (ast.Add, ast.Mult, ast.BitOr, ast.BitAnd, ast.BitXor)
_CUTTABLE = (
    ast.Attribute, ast.Await, ast.BinOp, ast.BoolOp, ast.Call, ast.Compare, ast.Dict, ast.IfExp, ast.Lambda,
    ast.List, ast.Set, ast.Subscript, ast.Tuple, ast.UnaryOp,
)  # fmt: skip


def is_deep(text: str, tree: ast.AST) -> bool:
    """Whether libcst would nest the code of ``tree`` deeper than we let it."""
    return depth(tree) > MAX_DEPTH or _has_wide(text, tree)


def depth(tree: ast.AST) -> int:
    """Levels of nodes below ``tree``, counted without recursion; a little more than the most if beyond it."""
    count = 0
    level: list[ast.AST] = [tree]
    while level and count <= MAX_DEPTH:
        count += 1
        level = children(level)
    return count


def _has_wide(text: str, tree: ast.AST) -> bool:
    """Chains that CPython keeps in one node and libcst nests: ``a or b or ...``, and joined strings."""
    words = text.count(" or") > MAX_DEPTH or text.count(" and") > MAX_DEPTH or text.count("or(") > MAX_DEPTH
    quotes = text.count("'") + text.count('"') > 2 * MAX_DEPTH
    if not (words or quotes):
        return False
    lines = text.split("\n") if quotes else []
    level: list[ast.AST] = [tree]
    while level:
        for node in level:
            if isinstance(node, ast.BoolOp):
                if len(node.values) > MAX_DEPTH:
                    return True
            elif quotes and isinstance(node, ast.Constant | ast.JoinedStr) and _joined(node, lines):
                return True
        level = children(level)
    return False


def _joined(node: ast.Constant | ast.JoinedStr, lines: Sequence[str]) -> bool:
    """Whether a string is made of more literals than may nest."""
    if isinstance(node, ast.Constant) and not isinstance(node.value, str | bytes):
        return False
    text = _segment(node, lines)
    if text.count("'") + text.count('"') <= 2 * MAX_DEPTH:
        return False
    starts = (tokenize.STRING, getattr(tokenize, "FSTRING_START", -1), getattr(tokenize, "TSTRING_START", -1))
    try:
        tokens = tokenize.generate_tokens(io.StringIO(f"({text})").readline)
        return sum(token.type in starts for token in tokens) > MAX_DEPTH
    except (tokenize.TokenError, SyntaxError):
        return True


def _segment(node: ast.Constant | ast.JoinedStr, lines: Sequence[str]) -> str:
    """A node's own text; columns count bytes."""
    last = node.end_lineno or node.lineno
    parts = [line.encode("utf-8", "surrogatepass") for line in lines[node.lineno - 1 : last]]
    if not parts:
        return ""
    parts[-1] = parts[-1][: node.end_col_offset]
    parts[0] = parts[0][node.col_offset :]
    return b"\n".join(parts).decode("utf-8", "replace")


def make_shallow(statements: Sequence[ast.stmt]) -> None:
    """Rewrite the deep expressions of ``statements`` in place."""
    level: list[ast.AST] = list(statements)
    while level:
        for node in level:
            _change_expressions(node, _shallow)
        # Inside expressions everything has been seen to; what is left are blocks.
        level = [item for item in children(level) if not isinstance(item, ast.expr)]


def _change_expressions(node: ast.AST, change: Callable[[ast.expr], ast.expr]) -> None:
    """Put what ``change`` makes of each expression right below ``node`` in its place."""
    for name, value in list(vars(node).items()):
        if isinstance(value, ast.expr):
            setattr(node, name, change(value))
        elif isinstance(value, list):
            value[:] = [change(item) if isinstance(item, ast.expr) else item for item in value]


def _shallow(root: ast.expr) -> ast.expr:
    if _height(root) <= _CUT and not isinstance(root, ast.BoolOp):
        return root
    holder = ast.Expr(value=root)
    _balance(holder)
    if _height(holder) > _CUT:
        _cut(holder)
    return holder.value


def _height(node: ast.AST) -> int:
    count, level = 0, [node]
    while level and count <= _CUT:
        count += 1
        level = children(level)
    return count


def _balance(root: ast.AST) -> None:
    """Chains of one operator as a tree of small depth."""
    level = [root]
    while level:
        for node in level:
            _change_expressions(node, _balanced)
        level = children(level)


def _balanced(node: ast.expr) -> ast.expr:
    if isinstance(node, ast.BoolOp) and len(node.values) > _CHAIN:
        half = len(node.values) // 2
        halves = [_half(node, node.values[:half]), _half(node, node.values[half:])]
        return _like(node, ast.BoolOp(node.op, halves))
    if not isinstance(node, ast.BinOp) or not isinstance(node.op, _ASSOCIATIVE):
        return node
    operands: list[ast.expr] = []
    inner: ast.expr = node
    while isinstance(inner, ast.BinOp) and type(inner.op) is type(node.op):
        operands.append(inner.right)
        inner = inner.left
    operands.append(inner)
    return node if len(operands) <= _CHAIN else _joined_again(node, operands[::-1])


def _half(node: ast.BoolOp, values: list[ast.expr]) -> ast.expr:
    return values[0] if len(values) == 1 else _like(node, ast.BoolOp(node.op, values))


def _joined_again(node: ast.BinOp, operands: list[ast.expr]) -> ast.expr:
    while len(operands) > 1:
        pairs = [operands[at : at + 2] for at in range(0, len(operands), 2)]
        operands = [
            _like(node, ast.BinOp(pair[0], node.op, pair[1])) if len(pair) == 2 else pair[0] for pair in pairs
        ]
    return operands[0]


def _like(node: ast.expr, made: ast.expr) -> ast.expr:
    return ast.copy_location(made, node)


def _cut(root: ast.AST) -> None:
    """Put what is too deep below ``root`` beside each other, in calls of nothing."""
    level: list[ast.AST] = [root]
    for _ in range(_CUT):
        level = children(level)
    for node in level:
        for holder, name, at in list(_places(node)):
            value = getattr(holder, name) if at is None else getattr(holder, name)[at]
            if _height(value) > 1:
                _replace(holder, name, at, _beside(value))


def _places(node: ast.AST) -> Iterable[tuple[ast.AST, str, int | None]]:
    for name, value in vars(node).items():
        if _is_cuttable(value):
            yield node, name, None
        elif isinstance(value, list):
            for at, item in enumerate(value):
                if _is_cuttable(item):
                    yield node, name, at


def _is_cuttable(value: object) -> bool:
    if isinstance(value, ast.Tuple) and any(isinstance(item, ast.Slice) for item in value.elts):
        return False
    return isinstance(value, _CUTTABLE) and isinstance(getattr(value, "ctx", ast.Load()), ast.Load)


def _replace(holder: ast.AST, name: str, at: int | None, value: ast.expr) -> None:
    if at is None:
        setattr(holder, name, value)
    else:
        getattr(holder, name)[at] = value


def _beside(value: ast.expr) -> ast.expr:
    """``(lambda: 0)(piece, piece, ...)`` of everything in ``value``, no piece being deep."""
    pieces: list[ast.expr] = []
    waiting = [value]
    while waiting:
        piece = waiting.pop()
        pieces.append(piece)
        level: list[ast.AST] = [piece]
        for _ in range(_CUT):
            level = children(level)
        for node in level:
            for holder, name, at in list(_places(node)):
                inner = getattr(holder, name) if at is None else getattr(holder, name)[at]
                if _height(inner) > 1:
                    waiting.append(inner)
                    _replace(holder, name, at, _like(inner, ast.Constant(0)))
    nothing = ast.parse("(lambda: 0)()", mode="eval").body
    assert isinstance(nothing, ast.Call)
    nothing.args = pieces
    return _like(value, nothing)
