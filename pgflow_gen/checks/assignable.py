"""May a value of one type be handed to a parameter of another? The compiler's own judgement.

It follows the typing specification for the types that may cross a step boundary, and it is cautious:
where it is not certain it says so, and mypy decides (501). Sources: the typing documentation's chapters
on TypedDict assignability, literals, and the numeric promotion of int to float.

| given                | asked for            | verdict                                                 |
|----------------------|----------------------|---------------------------------------------------------|
| T                    | T, Any, object       | yes; likewise a type that earned a finding, either side |
| A or B               | T                    | both must be for T                                      |
| T                    | A or B, JsonValue    | T must be for one of them                               |
| NewType of T         | U                    | T must be for U                                         |
| T                    | NewType of U         | yes for the same one; no if T is not for U; else unsure |
| bool, int            | int, float           | yes, upwards only                                       |
| literal              | literals, primitive  | one of them; the value's own type                       |
| bool                 | literals             | unsure where a bool is among them, else no              |
| list[T]              | list[U]              | T and U must be the same; likewise dict                 |
| list[T], Sequence[T] | Sequence[U]          | T must be for U; likewise dict and Mapping              |
| str                  | Sequence[U]          | str must be for U                                       |
| record               | record               | key by key; read-only keys may be narrower              |
| record               | Mapping[str, object] | yes                                                     |
| class                | class                | itself, and those that it inherits from                 |
| named tuple          | tuple, Sequence      | as the tuple of its fields' types                       |
| enum                 | its base: str, int   | yes                                                     |
| tuple[T, U]          | tuple[V, W]          | T must be for V, U for W; likewise tuple[V, ...]        |
| tuple                | Sequence[U]          | each of its items must be for U                         |
| set[T]               | set[U]               | T and U must be the same; frozenset as tuple[T, ...]    |
| datetime             | date                 | yes                                                     |
| anything else        |                      | no                                                      |
"""

from __future__ import annotations

from enum import Enum
from itertools import chain

from pgflow_gen.ir.types import (
    BOOL,
    FLOAT,
    INT,
    NONE,
    STR,
    AliasRef,
    AnyType,
    BoundedType,
    ClassRef,
    CollectionType,
    DictType,
    EnumType,
    JsonType,
    ListType,
    LiteralType,
    NewTypeRef,
    Primitive,
    Record,
    RecordRef,
    ScalarType,
    TupleType,
    TypeExpr,
    TypeKey,
    TypeTable,
    UnionType,
    UnknownType,
    union,
)


class Verdict(Enum):
    YES = "yes"
    NO = "no"
    UNSURE = "unsure"


YES, NO, UNSURE = Verdict.YES, Verdict.NO, Verdict.UNSURE

_JSON = UnionType((NONE, BOOL, INT, FLOAT, STR, ListType(JsonType()), DictType(JsonType())))
_PRIMITIVE_OF = {str: STR, bool: BOOL, int: INT, type(None): NONE}
_WIDER = {("bool", "int"), ("bool", "float"), ("int", "float")}


def all_of(*verdicts: Verdict) -> Verdict:
    """NO if any is NO, else UNSURE if any is UNSURE, else YES."""
    if NO in verdicts:
        return NO
    return UNSURE if UNSURE in verdicts else YES


def any_of(*verdicts: Verdict) -> Verdict:
    """YES if any is YES, else UNSURE if any is UNSURE, else NO."""
    if YES in verdicts:
        return YES
    return UNSURE if UNSURE in verdicts else NO


class Judge:
    """Answers questions of assignability over one table of types; remembers its answers."""

    def __init__(self, types: TypeTable) -> None:
        self._types = types
        self._known: dict[tuple[TypeExpr, TypeExpr], Verdict] = {}
        self._assumed: list[tuple[TypeExpr, TypeExpr]] = []

    def resolve(self, type_: TypeExpr) -> TypeExpr:
        """``type_`` with recursive aliases and bounds at its top opened."""
        seen: set[AliasRef] = set()
        while isinstance(type_, AliasRef | BoundedType):
            if isinstance(type_, BoundedType):
                type_ = type_.base
                continue
            if type_ in seen or type_.key not in self._types.aliases:
                return UnknownType(str(type_))
            seen.add(type_)
            type_ = self._types.alias(type_).target
        return type_

    def members(self, type_: TypeExpr, seen: frozenset[TypeExpr] = frozenset()) -> tuple[TypeExpr, ...]:
        """The alternatives of a union (aliases and NewTypes opened); a single one for any other type.

        A named tuple is the tuple that it is on the wire.
        """
        opened = self.resolve(type_)
        while isinstance(opened, NewTypeRef):
            opened = self.resolve(opened.base)
        if isinstance(opened, ClassRef):
            return (self._row(opened) or opened,)
        if not isinstance(opened, UnionType):
            return (opened,)
        if opened in seen:
            return ()
        return tuple(chain.from_iterable(self.members(item, seen | {opened}) for item in opened.members))

    def _row(self, type_: ClassRef) -> TupleType | None:
        record = self._types.records.get(type_.key)
        return None if record is None else record.row

    def element(self, type_: TypeExpr) -> TypeExpr | None:
        """The element of a list; None when the type is certainly not always a list.

        UnknownType where it cannot be told.
        """
        elements: list[TypeExpr] = []
        for member in self.members(type_):
            match member:
                case ListType(item=item):
                    elements.append(item)
                case AnyType() | UnknownType():
                    elements.append(UnknownType())
                case _:
                    return None
        return union(*elements) if elements else None

    def verdict(self, source: TypeExpr, target: TypeExpr) -> Verdict:
        """Whether a value of type ``source`` may stand where ``target`` is asked for."""
        question = (source, target)
        if source == target:
            return YES
        if question in self._known:
            return self._known[question]
        # A question met again while it is being answered holds, as far as it is concerned: recursion
        # through records is judged coinductively. What followed from an assumption that turned out
        # wrong is forgotten with it.
        self._known[question] = YES
        self._assumed.append(question)
        depth = len(self._assumed)
        answer = self._judge(source, target)
        if answer is not YES:
            for later in self._assumed[depth:]:
                self._known.pop(later, None)
            del self._assumed[depth - 1 :]
        self._known[question] = answer
        if depth == 1:
            self._assumed.clear()
        return answer

    def equivalent(self, left: TypeExpr, right: TypeExpr) -> Verdict:
        """Whether the types are the same, as invariant places (list elements, dict values) want it."""
        return all_of(self.verdict(left, right), self.verdict(right, left))

    def _judge(self, source: TypeExpr, target: TypeExpr) -> Verdict:
        source, target = self.resolve(source), self.resolve(target)
        if source == target or isinstance(source, UnknownType) or isinstance(target, UnknownType | AnyType):
            return YES
        if isinstance(source, AnyType) and source.name == "Any":
            return YES
        parts = _parts(source)
        if len(parts) > 1:
            return all_of(*(self.verdict(part, target) for part in parts))
        if isinstance(target, NewTypeRef):
            return self._to_newtype(source, target)
        answers = []
        if isinstance(source, NewTypeRef):
            answers.append(self.verdict(source.base, target))
        if isinstance(target, JsonType | UnionType):
            options = _JSON.members if isinstance(target, JsonType) else target.members
            answers.extend(self.verdict(source, option) for option in options)
        return any_of(*answers) if answers else self._plain(source, target)

    def _to_newtype(self, source: TypeExpr, target: NewTypeRef) -> Verdict:
        inner = source
        while isinstance(inner, NewTypeRef):
            if inner.key == target.key:
                return YES
            inner = self.resolve(inner.base)
        # Strictly no; but the wiring puts the JSON that arrives into the NewType a parameter asks for.
        return NO if self.verdict(inner, target.base) is NO else UNSURE

    def _plain(self, source: TypeExpr, target: TypeExpr) -> Verdict:
        match source, target:
            case Primitive(name=name), Primitive(name=wanted):
                return YES if (name, wanted) in _WIDER else NO
            case LiteralType(values=(value,)), LiteralType() as wanted_literal:
                return YES if LiteralType((value,)) in _parts(wanted_literal) else NO
            case LiteralType(values=(value,)), _:
                return self.verdict(_PRIMITIVE_OF[type(value)], target)
            case Primitive(name="None"), LiteralType(values=values):
                return YES if None in values else NO
            case Primitive(name="bool"), LiteralType(values=values):
                return UNSURE if any(isinstance(value, bool) for value in values) else NO
            case Primitive(name="str"), ListType(item=item, read_only=True):
                return self.verdict(STR, item)
            case ListType(item=item, read_only=frozen), ListType(item=wanted_item, read_only=reads):
                return self._container(item, frozen, wanted_item, reads)
            case DictType(value=item, read_only=frozen), DictType(value=wanted_item, read_only=reads):
                return self._container(item, frozen, wanted_item, reads)
            case RecordRef(), DictType(value=AnyType(), read_only=True):
                return YES
            case RecordRef(key=key), DictType() if self._is_closed(key):
                return UNSURE  # a checker may take its keys' types for those of a dict
            case RecordRef(), RecordRef():
                return self._record(source, target)
            case ClassRef(key=key), ClassRef(key=wanted_key):
                return self._class(key, wanted_key)
            case ClassRef(), TupleType() | CollectionType(kind="tuple") | ListType(read_only=True):
                row = self._row(source)
                return NO if row is None else self.verdict(row, target)
            case TupleType(items=items), TupleType(items=wanted_items):
                if len(items) != len(wanted_items):
                    return NO
                return all_of(*map(self.verdict, items, wanted_items))
            case TupleType(items=items), CollectionType(kind="tuple", item=wanted_item):
                return all_of(*(self.verdict(item, wanted_item) for item in items))
            case TupleType(items=items), ListType(item=wanted_item, read_only=True):
                return all_of(*(self.verdict(item, wanted_item) for item in items))
            case CollectionType(kind="tuple", item=item), ListType(item=wanted_item, read_only=True):
                return self.verdict(item, wanted_item)
            case CollectionType(kind=kind, item=item), CollectionType(kind=wanted_kind, item=wanted_item):
                if kind != wanted_kind:
                    return NO
                return self._container(item, False, wanted_item, kind != "set")
            case ScalarType(name="datetime"), ScalarType(name="date"):
                return YES
            case EnumType(key=key, members=members), EnumType(key=wanted_key, members=wanted_members):
                is_same = (key.module, key.name) == (wanted_key.module, wanted_key.name)
                return YES if is_same and set(members) <= set(wanted_members) else NO
            case EnumType(base="str" | "int" as base), Primitive():
                return self.verdict(Primitive(base), target)
            case _:
                return NO

    def _container(self, item: TypeExpr, frozen: bool, wanted: TypeExpr, reads: bool) -> Verdict:
        if reads:
            return self.verdict(item, wanted)
        return NO if frozen else self.equivalent(item, wanted)

    def _record(self, source: RecordRef, target: RecordRef) -> Verdict:
        left, right = self._types.records.get(source.key), self._types.records.get(target.key)
        if left is None or right is None:
            return UNSURE
        if right.closed and (not left.closed or any(right.get(item.key) is None for item in left.fields)):
            return NO
        return all_of(*(self._key(left, right, item.key) for item in right.fields))

    def _class(self, key: TypeKey, wanted: TypeKey) -> Verdict:
        """By name, as Python has it; of generic ones the checker knows the variance."""
        record = self._types.records.get(key)
        if record is None or ((key.module, key.name) == (wanted.module, wanted.name)):
            return UNSURE
        if (wanted.module, wanted.name) not in record.ancestors:
            return NO
        return UNSURE if wanted.args else YES

    def _is_closed(self, key: TypeKey) -> bool:
        record = self._types.records.get(key)
        return record is not None and record.closed

    def _key(self, left: Record, right: Record, name: str) -> Verdict:
        """One key of a record that is asked for: read-only keys may be narrower, others must be the same."""
        wanted, given = right.get(name), left.get(name)
        assert wanted is not None
        if given is None:
            return UNSURE if wanted.read_only and not wanted.required else NO
        if wanted.read_only:
            return NO if wanted.required and not given.required else self.verdict(given.type, wanted.type)
        if given.read_only or given.required != wanted.required:
            return NO
        return self.equivalent(given.type, wanted.type)


def _parts(type_: TypeExpr) -> tuple[TypeExpr, ...]:
    """The alternatives of a type that is a sum of others; else the type itself."""
    match type_:
        case UnionType(members=members):
            return members
        case JsonType():
            return _JSON.members
        case LiteralType(values=values) if len(values) > 1:
            return tuple(LiteralType((value,)) for value in values)
        case _:
            return (type_,)
