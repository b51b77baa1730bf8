"""Type parameters: which ones a definition has, and what a use puts in their place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import libcst as cst

from pgflow_gen.analyze.types.expansive import nesting
from pgflow_gen.analyze.types.faults import TypeFault, not_json
from pgflow_gen.analyze.types.limits import MAX_NESTING, is_too_large, too_deep
from pgflow_gen.analyze.types.protocol import ReadsTypes
from pgflow_gen.analyze.types.scope import Scope, Variable, elements
from pgflow_gen.ir.types import TypeExpr
from pgflow_gen.source.names.index import Assignment, ModuleIndex
from pgflow_gen.source.names.resolve import Defined, External, Resolver, Symbol
from pgflow_gen.source.parsing.parse import unquoted


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
    found = (_type_variable(resolver, module, node) for node in _names(roots))
    return list(dict.fromkeys(variable for variable in found if variable is not None))


def _names(roots: Iterable[cst.BaseExpression]) -> Iterator[cst.Name | cst.Attribute]:
    """The names in type expressions that may be variables, in order of appearance."""
    waiting = list(roots)[::-1]
    while waiting:
        node = waiting.pop()
        match node:
            case cst.Name() | cst.Attribute():
                yield node
            case cst.Subscript():
                waiting.extend(reversed(elements(node) or []))
            case cst.BinaryOperation():
                waiting.extend([node.right, node.left])
            case cst.SimpleString() | cst.ConcatenatedString():
                inner = unquoted(node)
                waiting.extend([inner] if inner is not None else [])
            case _:
                pass


def _type_variable(resolver: Resolver, module: ModuleIndex, node: cst.BaseExpression) -> Variable | None:
    return type_variable(resolver, resolver.resolve(module, node))


def type_variable(resolver: Resolver, symbol: Symbol | None) -> Variable | None:
    """What ``symbol`` is, if it is ``T = TypeVar("T")``."""
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
    reader: ReadsTypes,
    symbol: Defined,
    variables: Sequence[Variable],
    scope: Scope,
    arguments: Sequence[cst.BaseExpression] | None,
    faults: list[TypeFault],
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
        bound[variable] = reader.read(variable.default, Scope(symbol.module, bound, symbol.key), faults)
    _record_uses(reader, symbol, variables, scope, arguments or (), bound)
    fault = _bottomless(reader, symbol, bound)
    if fault is not None:
        faults.append(fault)
        return None
    return bound


def _record_uses(
    reader: ReadsTypes,
    symbol: Defined,
    variables: Sequence[Variable],
    scope: Scope,
    arguments: Sequence[cst.BaseExpression],
    bound: Mapping[Variable, TypeExpr],
) -> None:
    """Tell ``reader.expansion`` of which variables around this use its arguments are made."""
    if scope.owner is None or not scope.variables:
        return
    for at, variable in enumerate(variables):
        # A default may be made of any of the other arguments.
        nodes = arguments[at : at + 1] or arguments
        for source in _mentioned(reader.resolver, scope, nodes):
            value = scope.variables[source]
            reader.expansion.record((scope.owner, source), value, (symbol.key, variable), bound[variable])


def _mentioned(resolver: Resolver, scope: Scope, roots: Iterable[cst.BaseExpression]) -> set[Variable]:
    """The variables of ``scope`` that type expressions name."""
    found: set[Variable] = set()
    for node in _names(roots):
        own = Variable(node.value) if isinstance(node, cst.Name) else None
        if own not in scope.variables:
            own = _type_variable(resolver, scope.module, node)
        if own is not None and own in scope.variables:
            found.add(own)
    return found


def _bottomless(reader: ReadsTypes, symbol: Defined, bound: Mapping[Variable, TypeExpr]) -> TypeFault | None:
    """What is wrong with arguments that grew, or would grow for ever."""
    name = symbol.binding.name
    if any(is_too_large(item) for item in bound.values()):
        return not_json(f"the type arguments of {name} are too large", "name their parts: declare TypedDicts")
    depth = max(map(nesting, bound.values()), default=0)
    if bound and reader.expansion.is_endless(symbol.key, bound, depth):
        return not_json(f"{name} contains larger and larger copies of itself")
    return too_deep() if depth > MAX_NESTING else None
