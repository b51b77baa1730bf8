"""``from module import *``: the names it brings, of our modules and of those types come from."""

from __future__ import annotations

import typing

import libcst as cst

from pgflow_gen.source.names.index import Assignment, ModuleIndex

TYPING_MODULES = frozenset({"typing", "typing_extensions"})


def is_public(index: ModuleIndex, name: str) -> bool:
    """Whether ``from index import *`` brings ``name``: a literal ``__all__`` says, else the underscore."""
    exported = index.bindings.get("__all__", [])
    if len(exported) == 1 and isinstance(exported[0], Assignment):
        value = exported[0].value
        if isinstance(value, cst.List | cst.Tuple):
            names = [element.value for element in value.elements]
            if all(isinstance(item, cst.SimpleString) for item in names):
                return name in {item.evaluated_value for item in names if isinstance(item, cst.SimpleString)}
    return not name.startswith("_")


def star_names(module: str) -> frozenset[str]:
    """The names ``from module import *`` brings, for the modules types come from."""
    if module in TYPING_MODULES:
        return frozenset(typing.__all__) | {"TypeAliasType", "ReadOnly"}
    known = {
        "collections.abc": {"Sequence", "Mapping", "Iterable", "Callable", "Awaitable", "Coroutine"},
        "datetime": {"datetime", "date", "time", "timedelta"},
        "decimal": {"Decimal"},
        "uuid": {"UUID"},
        "enum": {"Enum", "IntEnum", "StrEnum", "Flag"},
        "dataclasses": {"dataclass"},
    }
    return frozenset(known.get(module, ()))
