"""The types that may cross a step boundary, as frozen values that render themselves.

No syntax tree here: a type knows what it means, and ``str(type)`` is how messages and stubs spell it.
Records (TypedDicts and classes) and recursive aliases are referred to by key, which is what lets them be
recursive; their definitions stand in a :class:`TypeTable`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field
from typing import Literal, TypeAlias

from pgflow_gen.diagnostics import Span
from pgflow_gen.light_dataclass import dataclass

PrimitiveName: TypeAlias = Literal["str", "int", "float", "bool", "None"]
ScalarName: TypeAlias = Literal[
    "datetime",
    "date",
    "time",
    "timedelta",
    "UUID",
    "Decimal",
    "bytes",
    "Path",
]
"""Those of ``pgflow_shared.scalars``."""
RecordKind: TypeAlias = Literal["typed_dict", "named_tuple", "dataclass", "pydantic", "attrs", "msgspec"]


@dataclass(frozen=True, slots=True)
class Primitive:
    name: PrimitiveName

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class ScalarType:
    """A single value that is a text on the wire: of the classes for times, numbers, data, names."""

    name: ScalarName

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class LiteralType:
    """``Literal[...]`` over str, int, bool and None, in the order written."""

    values: tuple[str | int | bool | None, ...]

    def __str__(self) -> str:
        return f"Literal[{', '.join(map(repr, self.values))}]"

    # 1 == True in Python, but Literal[1] is not Literal[True].
    def _identity(self) -> tuple[tuple[type, object], ...]:
        return tuple((type(value), value) for value in self.values)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LiteralType) and self._identity() == other._identity()

    def __hash__(self) -> int:
        return hash(self._identity())


@dataclass(frozen=True, slots=True)
class ListType:
    """``list[item]``; ``Sequence[item]`` when ``read_only`` (parameters only)."""

    item: TypeExpr
    read_only: bool = False

    def __str__(self) -> str:
        return f"{'Sequence' if self.read_only else 'list'}[{self.item}]"


@dataclass(frozen=True, slots=True)
class DictType:
    """``dict[str, value]``; ``Mapping[str, value]`` when ``read_only`` (parameters only)."""

    value: TypeExpr
    read_only: bool = False

    def __str__(self) -> str:
        return f"{'Mapping' if self.read_only else 'dict'}[str, {self.value}]"


@dataclass(frozen=True, slots=True)
class UnionType:
    """Two or more members, flat, without repetition, in the order written."""

    members: tuple[TypeExpr, ...]

    def __str__(self) -> str:
        return " | ".join(map(str, self.members))


@dataclass(frozen=True, slots=True)
class TupleType:
    """``tuple[A, B]``: a list of just these on the wire."""

    items: tuple[TypeExpr, ...]

    def __str__(self) -> str:
        return f"tuple[{', '.join(map(str, self.items))}]"


@dataclass(frozen=True, slots=True)
class CollectionType:
    """``tuple[item, ...]``, ``set[item]``, ``frozenset[item]``: a list on the wire, a set's sorted."""

    kind: Literal["tuple", "set", "frozenset"]
    item: TypeExpr

    def __str__(self) -> str:
        return f"{self.kind}[{self.item}{', ...' if self.kind == 'tuple' else ''}]"


@dataclass(frozen=True, slots=True)
class BoundedType:
    """``Annotated[base, Ge(0)]``: the base to type checkers; the contract holds values to the bounds."""

    base: TypeExpr
    bounds: tuple[tuple[str, int | float | str], ...]
    """Keywords of JSON Schema, in alphabetical order."""

    def __str__(self) -> str:
        return str(self.base)


@dataclass(frozen=True, slots=True)
class JsonType:
    """``JsonValue`` of the runtime: any JSON value."""

    def __str__(self) -> str:
        return "JsonValue"


@dataclass(frozen=True, slots=True)
class AnyType:
    """``Any`` or ``object``: passes with a warning, checked by nobody."""

    name: Literal["Any", "object"] = "Any"

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class FailedType:
    """``Failed`` of the runtime: what stands for the result of a task that failed for good."""

    def __str__(self) -> str:
        return "Failed"


@dataclass(frozen=True, slots=True)
class TypeKey:
    """Where a named type is defined, and with which arguments: ``Box[int]`` and ``Box[str]`` are two."""

    module: str
    name: str
    args: tuple[TypeExpr, ...] = ()

    @property
    def is_generated(self) -> bool:
        """Whether it is defined by what is generated of a flow, ``.invoice``, and by nobody's source."""
        return self.module.startswith(".")

    def __str__(self) -> str:
        return f"{self.name}[{', '.join(map(str, self.args))}]" if self.args else self.name


@dataclass(frozen=True, slots=True)
class RecordRef:
    """A TypedDict, by key into the table."""

    key: TypeKey

    def __str__(self) -> str:
        return str(self.key)


@dataclass(frozen=True, slots=True)
class ClassRef:
    """A class with fields (a dataclass and its like), by key into the table."""

    key: TypeKey

    def __str__(self) -> str:
        return str(self.key)


@dataclass(frozen=True, slots=True)
class EnumType:
    """An enum by its members' names and values; on the wire it is a value."""

    key: TypeKey
    members: tuple[tuple[str, str | int], ...]
    base: Literal["str", "int"] | None = None
    """What its members are besides: of ``StrEnum``, ``IntEnum`` and enums that inherit from str or int."""
    is_whole: bool = True
    """Whether these are all of its members; else it is ``Literal[Colour.RED]``."""

    @property
    def values(self) -> tuple[str | int, ...]:
        return tuple(value for _, value in self.members)

    def __str__(self) -> str:
        if self.is_whole:
            return str(self.key)
        return f"Literal[{', '.join(f'{self.key}.{name}' for name, _ in self.members)}]"


@dataclass(frozen=True, slots=True)
class AliasRef:
    """A *recursive* alias, by key into the table; every other alias is expanded where it is used."""

    key: TypeKey

    def __str__(self) -> str:
        return str(self.key)


@dataclass(frozen=True, slots=True)
class NewTypeRef:
    """``NewType`` over a JSON type (parameters only)."""

    key: TypeKey
    base: TypeExpr

    def __str__(self) -> str:
        return str(self.key)


@dataclass(frozen=True, slots=True)
class UnknownType:
    """A type that already earned a diagnostic; everything that meets it keeps quiet."""

    text: str = "?"

    def __str__(self) -> str:
        return self.text


TypeExpr: TypeAlias = (
    Primitive
    | ScalarType
    | LiteralType
    | ListType
    | DictType
    | UnionType
    | BoundedType
    | TupleType
    | CollectionType
    | JsonType
    | AnyType
    | FailedType
    | RecordRef
    | ClassRef
    | EnumType
    | AliasRef
    | NewTypeRef
    | UnknownType
)

STR, INT, FLOAT = Primitive("str"), Primitive("int"), Primitive("float")
BOOL, NONE = Primitive("bool"), Primitive("None")
FAILED = FailedType()
UNKNOWN = UnknownType()


@dataclass(frozen=True, slots=True)
class Field:
    """A key of a record. ``key`` may be any string (functional syntax)."""

    key: str
    type: TypeExpr
    required: bool = True
    read_only: bool = False
    span: Span | None = field(default=None, compare=False)
    default: str | None = None
    """What a key stands for that is left out, as JSON text."""
    attribute: str | None = None
    """Of a class: where a value has it, if not by the key, which constructors take; msgspec's take this."""


@dataclass(frozen=True, slots=True)
class Record:
    """A TypedDict or a class with all fields it inherits, its type arguments already put in."""

    key: TypeKey
    fields: tuple[Field, ...]
    span: Span | None = field(default=None, compare=False)
    doc: str | None = None
    closed: bool = False
    """Whether a value has no other keys (PEP 728)."""
    kind: RecordKind = "typed_dict"
    ancestors: tuple[tuple[str, str], ...] = ()
    """Of a class: all classes of the project that it inherits from, by module and name."""

    @property
    def ref(self) -> RecordRef | ClassRef:
        return RecordRef(self.key) if self.kind == "typed_dict" else ClassRef(self.key)

    def get(self, key: str) -> Field | None:
        return next((item for item in self.fields if item.key == key), None)

    @property
    def row(self) -> TupleType | None:
        """Of a named tuple what it is on the wire, where its fields have no names."""
        is_row = self.kind == "named_tuple"
        return TupleType(tuple(field.type for field in self.fields)) if is_row else None


@dataclass(frozen=True, slots=True)
class Alias:
    """A recursive alias and what it stands for."""

    key: TypeKey
    target: TypeExpr
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class TypeTable:
    """All records and recursive aliases that the flows of a project mention."""

    records: Mapping[TypeKey, Record] = field(default_factory=dict)
    aliases: Mapping[TypeKey, Alias] = field(default_factory=dict)

    def record(self, ref: RecordRef | ClassRef) -> Record:
        return self.records[ref.key]

    def alias(self, ref: AliasRef) -> Alias:
        return self.aliases[ref.key]


def children(type_: TypeExpr) -> Iterator[TypeExpr]:
    """The types directly inside ``type_``; a record's fields are not followed."""
    match type_:
        case ListType(item=inner) | DictType(value=inner) | NewTypeRef(base=inner) | BoundedType(base=inner):
            yield inner
        case CollectionType(item=inner):
            yield inner
        case UnionType(members=members) | TupleType(items=members):
            yield from members
        case RecordRef(key=key) | ClassRef(key=key) | AliasRef(key=key):
            yield from key.args
        case _:
            pass


def without_bounds(type_: TypeExpr) -> TypeExpr:
    """What a type is to type checkers."""
    while isinstance(type_, BoundedType):
        type_ = type_.base
    return type_


def union(*members: TypeExpr) -> TypeExpr:
    """The union of ``members``: flattened, each once; a single member is itself."""
    flat: dict[TypeExpr, None] = {}
    for member in members:
        flat.update(dict.fromkeys(member.members if isinstance(member, UnionType) else (member,)))
    kept = tuple(flat)
    return kept[0] if len(kept) == 1 else UnionType(kept)
