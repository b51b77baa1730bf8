"""Type parameters: which ones a definition has, and what a use puts in their place."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import libcst as cst

from pgflow_gen.analyze.faults import Fault, not_json
from pgflow_gen.analyze.scope import Scope, Variable, elements
from pgflow_gen.ir.types import UNKNOWN, AliasRef, RecordRef, TypeExpr, children
from pgflow_gen.source.index import Assignment, ModuleIndex
from pgflow_gen.source.parse import parse_expression
from pgflow_gen.source.resolve import Defined, External, Resolver

if TYPE_CHECKING:
    from pgflow_gen.analyze.annotations import TypeReader

MAX_NESTING = 12
"""Type arguments inside type arguments; a record that contains a larger self grows without end."""


def parameters_of(node: cst.TypeParameters | None) -> list[Variable]:
    """The parameters of ``class Box[T]`` or ``type Pair[T]`` (PEP 695)."""
    if node is None:
        return []
    return [
        Variable(item.param.name.value, None, item.default)
        for item in node.params
        if isinstance(item.param, cst.TypeVar)
    ]


def free_variables(
    resolver: Resolver, module: ModuleIndex, roots: Iterable[cst.BaseExpression]
) -> list[Variable]:
    """The ``TypeVar``s named in type expressions, each once, in order of appearance."""
    found: dict[Variable, None] = {}
    waiting = list(roots)[::-1]
    while waiting:
        node = waiting.pop()
        match node:
            case cst.Name() | cst.Attribute():
                variable = _type_variable(resolver, module, node)
                if variable is not None:
                    found[variable] = None
            case cst.Subscript():
                waiting.extend(reversed(elements(node) or []))
            case cst.BinaryOperation():
                waiting.extend([node.right, node.left])
            case cst.SimpleString() | cst.ConcatenatedString():
                text = node.evaluated_value
                inner = parse_expression(text) if isinstance(text, str) else None
                waiting.extend([inner] if inner is not None else [])
            case _:
                pass
    return list(found)


def _type_variable(resolver: Resolver, module: ModuleIndex, node: cst.BaseExpression) -> Variable | None:
    symbol = resolver.resolve(module, node)
    if not isinstance(symbol, Defined) or not isinstance(symbol.binding, Assignment):
        return None
    call = symbol.binding.value
    if not isinstance(call, cst.Call):
        return None
    function = resolver.resolve(symbol.module, call.func)
    if not isinstance(function, External) or not function.is_typing("TypeVar"):
        return None
    return Variable(symbol.binding.name, symbol.module.name, keyword(call, "default"))


def keyword(call: cst.Call, name: str) -> cst.BaseExpression | None:
    """The value of a call's keyword argument."""
    return argument(call.args, name)


def argument(args: Iterable[cst.Arg], name: str) -> cst.BaseExpression | None:
    """The value of the keyword argument ``name``."""
    return next((arg.value for arg in args if arg.keyword is not None and arg.keyword.value == name), None)


def bind(
    reader: TypeReader,
    symbol: Defined,
    variables: Sequence[Variable],
    scope: Scope,
    arguments: Sequence[cst.BaseExpression] | None,
    faults: list[Fault],
) -> dict[Variable, TypeExpr] | None:
    """What each variable of ``symbol`` stands for in a use with ``arguments``; None when they do not fit."""
    given = [reader.read(node, scope, faults) for node in arguments or ()]
    name = symbol.binding.name
    if len(given) > len(variables):
        takes = (
            f"{len(variables)} type argument{'s' * (len(variables) != 1)}"
            if variables
            else "no type arguments"
        )
        faults.append(not_json(f"{name} takes {takes}, not {len(given)}"))
        return None
    bound = dict(zip(variables, given, strict=False))
    for variable in variables[len(given) :]:
        if variable.default is None:
            wanted = ", ".join(item.name for item in variables)
            faults.append(
                not_json(
                    f"generic {name} does not say what {variable.name} is",
                    f"write {name}[{wanted}] with types",
                )
            )
            return None
        bound[variable] = reader.read(variable.default, Scope(symbol.module, bound), faults)
    if any(_nesting(item) > MAX_NESTING for item in bound.values()):
        faults.append(not_json(f"{name} contains larger and larger copies of itself"))
        return None
    return bound


def _nesting(found: TypeExpr) -> int:
    """How deep types stand inside ``found``, arguments of records included."""
    inner = [_nesting(item) for item in children(found)]
    if found == UNKNOWN or not inner:
        return 1 if isinstance(found, RecordRef | AliasRef) else 0
    return 1 + max(inner)
