"""Questions about the version of Python and the system, which checkers of types answer while they read."""

from __future__ import annotations

import operator
import sys
from collections.abc import Callable, Mapping
from typing import Any

import libcst as cst

from pgflow_gen.source.target import Version

_COMPARISONS: Mapping[type[cst.BaseCompOp], Callable[[Any, Any], bool]] = {
    cst.GreaterThanEqual: operator.ge,
    cst.GreaterThan: operator.gt,
    cst.LessThan: operator.lt,
    cst.LessThanEqual: operator.le,
    cst.Equal: operator.eq,
    cst.NotEqual: operator.ne,
}


def always(test: cst.BaseExpression, target: Version) -> bool | None:
    """Whether ``test`` always holds for the Python ``target`` on this system; None: not known."""
    match test:
        case cst.UnaryOperation(operator=cst.Not(), expression=inner):
            found = always(inner, target)
            return None if found is None else not found
        case cst.BooleanOperation(left=left, operator=word, right=right):
            sides = always(left, target), always(right, target)
            deciding = isinstance(word, cst.Or)
            if deciding in sides:
                return deciding
            return None if None in sides else not deciding
        case cst.Comparison(left=left, comparisons=[cst.ComparisonTarget(operator=word, comparator=right)]):
            compare = _COMPARISONS.get(type(word))
            return None if compare is None else _compared(compare, left, right, target)
        case cst.Call(
            func=cst.Attribute(value=platform, attr=cst.Name(value="startswith")),
            args=[cst.Arg(value=cst.SimpleString() as text)],
        ) if _is_sys(platform, "platform"):
            return sys.platform.startswith(str(text.evaluated_value))
        case _:
            return None


def _compared(
    compare: Callable[[Any, Any], bool],
    left: cst.BaseExpression,
    right: cst.BaseExpression,
    target: Version,
) -> bool | None:
    if _is_sys(left, "platform") and isinstance(right, cst.SimpleString):
        is_equality = compare in (operator.eq, operator.ne)
        return compare(sys.platform, right.evaluated_value) if is_equality else None
    wanted = _numbers(right)
    if wanted is None:
        return None
    found: int | Version | None = target if _is_sys(left, "version_info") else None
    if isinstance(left, cst.Subscript) and _is_sys(left.value, "version_info"):
        found = _part(left, target)
    if isinstance(found, int) or isinstance(wanted, int):
        return compare(found, wanted) if isinstance(found, int) and isinstance(wanted, int) else None
    is_equality = compare in (operator.eq, operator.ne)
    if found is None or len(wanted) > 2 or (is_equality and len(wanted) != 2):
        return None  # releases beyond the second number are nobody's to know
    return compare(found, wanted)


def _part(node: cst.Subscript, target: Version) -> int | Version | None:
    """``sys.version_info[0]``, ``[1]`` or ``[:2]``."""
    match node.slice:
        case [cst.SubscriptElement(slice=cst.Index(value=cst.Integer(value="0" | "1" as at)))]:
            return target[int(at)]
        case [cst.SubscriptElement(slice=cst.Slice(lower=None, upper=cst.Integer(value="2"), step=None))]:
            return target
        case _:
            return None


def _numbers(node: cst.BaseExpression) -> int | tuple[int, ...] | None:
    match node:
        case cst.Integer(value=text):
            return int(text, 0)
        case cst.Tuple(elements=elements) if elements:
            found = [item.value.value for item in elements if isinstance(item.value, cst.Integer)]
            return tuple(int(text, 0) for text in found) if len(found) == len(elements) else None
        case _:
            return None


def _is_sys(node: cst.BaseExpression, name: str) -> bool:
    """``sys.version_info`` and the like; checkers know them under this spelling alone."""
    match node:
        case cst.Attribute(value=cst.Name(value="sys"), attr=cst.Name(value=found)):
            return found == name
        case _:
            return False
