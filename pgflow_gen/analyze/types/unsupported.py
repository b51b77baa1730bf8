"""Types of the standard library that are not JSON, each with its own way out."""

from __future__ import annotations

from collections.abc import Mapping

from pgflow_gen.analyze.types.faults import TypeFault, foreign, not_json
from pgflow_gen.source.names.resolve import External
from pgflow_gen.source.names.stars import TYPING_MODULES

_LIST = "JSON gives a list back: use list[...]"
_ITERATOR = "a step's values are sent whole: return a list and annotate it as list[...]"
_AWAITABLE = "write the handler as `async def` and annotate what it returns when awaited"
_CALLABLE = (
    "functions cannot be sent as JSON: send a name (Literal[...]) and look the function up in the step"
)
_DICT = "use dict[str, T], or a TypedDict when the keys are known"
_TYPED_DICT = "declare it as a TypedDict"
_ENUM = "use Literal[...] with the values, or send the member's value"
_BYTES = "use bytes, and send bytes(data)"
_ABSTRACT_LIST = "use list[T]; a parameter may be Sequence[T]"

_HINTS: Mapping[str, Mapping[str, str]] = {
    "builtins": {
        "tuple": "say what it holds: tuple[A, B] or tuple[T, ...]",
        "set": "say what it holds: set[T]",
        "frozenset": "say what it holds: frozenset[T]",
        "bytearray": _BYTES,
        "memoryview": _BYTES,
        "complex": "use list[float] or a TypedDict with two keys",
        "type": "classes cannot be sent as JSON: send a name (Literal[...])",
        "range": "use list[int], or a TypedDict with start and stop",
    },
    "datetime": {
        "timezone": "use str: send the zone's name",
    },
    "ipaddress": dict.fromkeys(
        ("IPv4Address", "IPv6Address", "IPv4Network", "IPv6Network", "IPv4Interface", "IPv6Interface"),
        "use str: send str(value)",
    ),
    "zoneinfo": {"ZoneInfo": "use str: send value.key"},
    "fractions": {"Fraction": "use str, and read it back with Fraction(text)"},
    "pathlib": dict.fromkeys(
        ("PurePath", "PosixPath", "WindowsPath", "PurePosixPath", "PureWindowsPath"),
        "use Path",
    ),
    "enum": dict.fromkeys(("Enum", "IntEnum", "StrEnum", "Flag", "IntFlag"), _ENUM),
    "collections.abc": {
        "Callable": _CALLABLE,
        **dict.fromkeys(("Iterator", "Generator", "AsyncIterator", "AsyncGenerator"), _ITERATOR),
        "AsyncIterable": _ITERATOR,
        "Awaitable": _AWAITABLE,
        "Coroutine": _AWAITABLE,
        "Iterable": _ABSTRACT_LIST,
        "Collection": _ABSTRACT_LIST,
        "Container": _ABSTRACT_LIST,
        "MutableSequence": _ABSTRACT_LIST,
        "Set": _LIST,
        "MutableSet": _LIST,
        "MutableMapping": _DICT,
    },
    "collections": {
        "OrderedDict": _DICT,
        "defaultdict": _DICT,
        "Counter": "use dict[str, int]",
        "ChainMap": _DICT,
        "deque": _LIST,
    },
    "typing": {
        "NamedTuple": "name the class that inherits from NamedTuple",
        "Protocol": _TYPED_DICT,
        "TypedDict": "name the class that inherits from TypedDict",
        "Self": "name the class itself",
        "Never": "annotate what the handler returns; None when it returns nothing",
        "NoReturn": "annotate what the handler returns; None when it returns nothing",
        "LiteralString": "use str",
        "AnyStr": "use str",
        "Type": "classes cannot be sent as JSON: send a name (Literal[...])",
        "ClassVar": "remove ClassVar[...]: a TypedDict has only keys",
        "Final": "remove Final[...]",
        "Pattern": "use str: send pattern.pattern",
        "Match": "use str: send match.group()",
    },
    "re": {"Pattern": "use str: send pattern.pattern", "Match": "use str: send match.group()"},
}

_TYPING_TO_BUILTIN = {
    "List": "list",
    "Dict": "dict",
    "Tuple": "tuple",
    "Set": "set",
    "FrozenSet": "frozenset",
    "Type": "type",
    "Text": "str",
}
_TYPING_TO_COLLECTIONS = {
    "DefaultDict": "defaultdict",
    "OrderedDict": "OrderedDict",
    "Counter": "Counter",
    "ChainMap": "ChainMap",
    "Deque": "deque",
}
_COLLECTIONS_ABC = frozenset(
    {"Sequence", "Mapping", *_HINTS["collections.abc"], "AbstractSet", "Hashable", "Sized", "Reversible"}
)


def canonical(symbol: External) -> External:
    """One spelling per meaning: ``typing.List`` is ``list``, ``typing_extensions.X`` is ``typing.X``."""
    if symbol.module not in TYPING_MODULES:
        return symbol
    name = symbol.name
    if name in _TYPING_TO_BUILTIN:
        return External("builtins", _TYPING_TO_BUILTIN[name])
    if name in _TYPING_TO_COLLECTIONS:
        return External("collections", _TYPING_TO_COLLECTIONS[name])
    if name == "AbstractSet":
        return External("collections.abc", "Set")
    if name in _COLLECTIONS_ABC:
        return External("collections.abc", name)
    return External("typing", name)


def unchecked(name: str) -> TypeFault:
    """The warning for ``Any`` and ``object``."""
    return TypeFault(
        "PGF302",
        f"{name} is not checked: any value passes, also one that is not JSON",
        "use JsonValue from pgflow_runtime, or the type it really is",
        severity="warning",
    )


def unsupported(symbol: External) -> TypeFault:
    """Why a (canonical) name from outside the project is no JSON type."""
    if not symbol.is_known:
        return foreign(symbol)
    name = symbol.name
    match symbol:
        case External("builtins", "list") | External("collections.abc", "Sequence"):
            return not_json(f"bare {name} does not say what it holds", f"write {name}[T]")
        case External("builtins", "dict") | External("collections.abc", "Mapping"):
            return not_json(
                f"bare {name} does not say what it holds",
                f"write {name}[str, T], or a TypedDict when the keys are known",
            )
        case External("pgflow_runtime", "Context"):
            return not_json(
                "Context is not JSON: it does not leave its task",
                "ask for it with a parameter annotated Context",
            )
        case External("pgflow_runtime", "Again"):
            return not_json(
                "Again is no value: it says that a loop goes on",
                "annotate a handler of @flow.loop as -> Again[State] | Result",
            )
        case _:
            return not_json(
                f"{name} is not JSON",
                _HINTS.get(symbol.module, {}).get(name) or "use JSON types: str, int, list, TypedDict...",
            )
