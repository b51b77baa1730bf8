"""Aliases, expanded where they are used unless they are recursive; NewType and type variables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field, replace

import libcst as cst

from pgflow_gen.analyze.types.faults import TypeFault, not_json
from pgflow_gen.analyze.types.generics import bind, free_variables, keyword, parameters_of
from pgflow_gen.analyze.types.limits import is_too_large
from pgflow_gen.analyze.types.protocol import ReadsTypes
from pgflow_gen.analyze.types.scope import Scope, Variable
from pgflow_gen.analyze.types.unsupported import canonical
from pgflow_gen.ir.types import UNKNOWN, Alias, AliasRef, NewTypeRef, TypeExpr, TypeKey, UnionType
from pgflow_gen.light_dataclass import dataclass
from pgflow_gen.source.names.index import Assignment, TypeAliasStatement
from pgflow_gen.source.names.resolve import Defined, External

_MAKERS = frozenset({"create_model", "make_dataclass", "make_class", "defstruct"})


@dataclass(slots=True)
class AliasReader:
    reader: ReadsTypes
    recursive: dict[TypeKey, Alias] = field(default_factory=dict)
    """Finished recursive aliases."""
    _memo: dict[TypeKey, tuple[TypeExpr, tuple[TypeFault, ...]]] = field(default_factory=dict)
    _active: dict[TypeKey, bool] = field(default_factory=dict)
    """Aliases being read; True once they have met themselves."""

    def read(
        self,
        symbol: Defined,
        scope: Scope,
        arguments: Sequence[cst.BaseExpression] | None,
        faults: list[TypeFault],
    ) -> TypeExpr:
        """The type a module-level name stands for, which is neither a class nor a function."""
        match symbol.binding:
            case TypeAliasStatement(statement=statement):
                return self._alias(
                    symbol,
                    statement.value,
                    parameters_of(statement.type_parameters),
                    scope,
                    arguments,
                    faults,
                )
            case Assignment(value=cst.Call() as call):
                return self._call(symbol, call, scope, arguments, faults)
            case Assignment(value=value) if value is not None:
                variables = free_variables(self.reader.resolver, symbol.module, [value])
                return self._alias(symbol, value, variables, scope, arguments, faults)
            case _:
                faults.append(_not_a_type(symbol))
                return UNKNOWN

    def _call(
        self,
        symbol: Defined,
        call: cst.Call,
        scope: Scope,
        arguments: Sequence[cst.BaseExpression] | None,
        faults: list[TypeFault],
    ) -> TypeExpr:
        """``NewType(...)``, ``TypeVar(...)``, ``TypeAliasType(...)`` and calls that make no type."""
        found = self.reader.symbol(call.func, Scope(symbol.module))
        function = canonical(found) if isinstance(found, External) else None
        if function == External("typing", "NewType") and len(call.args) == 2 and arguments is None:
            return self._new_type(symbol, call.args[1].value, faults)
        if function == External("typing", "TypeVar"):
            return self._variable(symbol, scope, faults)
        if function == External("typing", "TypeAliasType") and len(call.args) >= 2:
            listed = keyword(call, "type_params")
            roots = [element.value for element in listed.elements] if isinstance(listed, cst.Tuple) else []
            variables = free_variables(self.reader.resolver, symbol.module, roots)
            return self._alias(symbol, call.args[1].value, variables, scope, arguments, faults)
        if function in {External("collections", "namedtuple"), External("typing", "NamedTuple")}:
            faults.append(
                not_json(
                    f"named tuple {symbol.binding.name} is made by a call, and not read",
                    f"declare it as a class, with its items' types: class {symbol.binding.name}(NamedTuple)",
                )
            )
        elif function is not None and function.module == "enum":
            faults.append(
                not_json(f"enum {symbol.binding.name} is not JSON", "use Literal[...] with its values")
            )
        elif isinstance(found, External) and found.name in _MAKERS:
            message = f"class {symbol.binding.name} is made by a call, which only running it would tell of"
            faults.append(TypeFault("PGF104", message, "write it as a class, with its fields"))
        else:
            faults.append(_not_a_type(symbol))
        return UNKNOWN

    def _new_type(self, symbol: Defined, base: cst.BaseExpression, faults: list[TypeFault]) -> TypeExpr:
        key = TypeKey(*symbol.key)
        if key in self._active:
            faults.append(not_json(f"NewType {key} is built on itself"))
            return UNKNOWN
        self._active[key] = False
        before = len(faults)
        try:
            found = self.reader.read(base, Scope(symbol.module), faults)
        finally:
            del self._active[key]
        # What is wrong with its base is said once; where it may stand would be a second fault.
        is_broken = any(fault.severity == "error" for fault in faults[before:])
        return UNKNOWN if is_broken else NewTypeRef(key, found)

    def _variable(self, symbol: Defined, scope: Scope, faults: list[TypeFault]) -> TypeExpr:
        module, name = symbol.key
        value = scope.variables.get(Variable(name, module))
        if value is not None:
            return value
        faults.append(
            not_json(
                f"type variable {name} stands for no type here",
                "a handler cannot be generic: name the type it really takes or returns",
            )
        )
        return UNKNOWN

    def _alias(
        self,
        symbol: Defined,
        value: cst.BaseExpression,
        variables: Sequence[Variable],
        scope: Scope,
        arguments: Sequence[cst.BaseExpression] | None,
        faults: list[TypeFault],
    ) -> TypeExpr:
        bound = bind(self.reader, symbol, variables, scope, arguments, faults)
        if bound is None:
            return UNKNOWN
        key = TypeKey(*symbol.key, tuple(bound.values()))
        if key in self._active:
            self._active[key] = True
            return AliasRef(key)
        if key not in self._memo:
            self._memo[key] = self._expand(key, symbol, value, Scope(symbol.module, bound, symbol.key))
        found, its_faults = self._memo[key]
        faults.extend(its_faults)
        return found

    def _expand(
        self, key: TypeKey, symbol: Defined, value: cst.BaseExpression, scope: Scope
    ) -> tuple[TypeExpr, tuple[TypeFault, ...]]:
        faults: list[TypeFault] = []
        self._active[key] = False
        try:
            target = self.reader.read(value, scope, faults)
        finally:
            is_recursive = self._active.pop(key)
        span = symbol.module.file.span(symbol.binding.node)
        note = f"in the alias {symbol.binding.name}, {span.path}:{span.line}"
        # An alias that is used twice brings its faults twice, and so on upwards.
        placed = [item if item.notes else replace(item, notes=(note,)) for item in dict.fromkeys(faults)]
        if is_too_large(target):
            placed.append(not_json(f"alias {key.name} is too large", "name its parts: declare TypedDicts"))
            return UNKNOWN, tuple(placed)
        if not is_recursive:
            return target, tuple(placed)
        members = target.members if isinstance(target, UnionType) else (target,)
        if AliasRef(key) in members:
            placed.append(
                not_json(
                    f"alias {key} stands for itself", "put a list[...] or dict[str, ...] around the inner one"
                )
            )
            return UNKNOWN, tuple(placed)
        self.recursive[key] = Alias(key, target, span)
        return AliasRef(key), tuple(placed)


def _not_a_type(symbol: Defined) -> TypeFault:
    span = symbol.module.file.span(symbol.binding.node)
    return TypeFault(
        "PGF302",
        f"{symbol.binding.name!r} is not a type",
        "name a type: a TypedDict, a JSON type or an alias of one",
        (f"{symbol.binding.name!r} is bound at {span}",),
    )
