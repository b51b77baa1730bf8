# ruff: noqa: E501
"""Modules of classes as people write them, of one kind each, and values of these classes.

Each module is made of a seed: text of every way to say a field, and what a field's value may be. The same
description gives the schema that a library should have, as far as libraries say the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any, Literal, TypeAlias
from uuid import UUID

Kind: TypeAlias = Literal["dataclass", "pydantic", "attrs", "msgspec", "named_tuple"]
KINDS: tuple[Kind, ...] = ("dataclass", "pydantic", "attrs", "msgspec", "named_tuple")
Names: TypeAlias = Mapping[str, Any]
"""What a module holds once it is imported."""

_TEXTS = ("", "a", "größe", "x y", "0", '"quoted"', "\u2028", "long " * 20)
_HEAD = """\
from __future__ import annotations

import dataclasses
import enum
from dataclasses import KW_ONLY, InitVar, dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from pathlib import Path
from typing import Annotated, Any, ClassVar, Generic, Literal, NamedTuple, Optional, TypeVar, Union
from uuid import UUID, uuid4

import attrs
import msgspec
from annotated_types import Ge, Gt, Le, Lt, MaxLen, MinLen
from msgspec import Meta, Struct
from pydantic import BaseModel, ConfigDict, Field, PositiveInt, PrivateAttr, computed_field
from pydantic import field_validator, model_validator

from pgflow_runtime import Flow

T = TypeVar("T")
LIMIT = 7


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Level(IntEnum):
    LOW = 1
    HIGH = 10


class Mode(StrEnum):
    FAST = enum.auto()
    SLOW = enum.auto()
"""


@dataclass(frozen=True)
class Spelled:
    """A type as text, a way to make one of its values, and whether a set may hold them."""

    text: str
    value: Callable[[Random, Names], Any]
    hashable: bool = False
    defaults: tuple[str, ...] = ()
    """Literals that are a default of it."""
    mutable: bool = False


def _picked(*values: Any) -> Callable[[Random, Names], Any]:
    return lambda random, names: random.choice(values)


def _member(name: str) -> Callable[[Random, Names], Any]:
    return lambda random, names: random.choice(list(names[name]))


def _moment(random: Random, names: Names) -> datetime:
    zone = random.choice([UTC, timezone(timedelta(hours=-3, minutes=-30)), timezone(timedelta(hours=14))])
    return datetime(
        random.randint(1, 9998), random.randint(1, 12), random.randint(2, 27), random.randint(0, 23),
        random.randint(0, 59), random.randint(0, 59), random.choice([0, 1, 999_999, 500_000]), zone,
    )  # fmt: skip


PLAIN = (
    Spelled("int", lambda random, names: random.choice([0, -1, 2**70, random.getrandbits(20)]), True, ("3", "-1", "LIMIT")),
    Spelled("str", _picked(*_TEXTS), True, ('"x"', "''", "'a' 'b'")),
    Spelled("float", lambda random, names: random.choice([0.0, 1.5, 1e300, -2.5e-7, random.random()]), False, ("1.5", "-0.25")),
    Spelled("bool", _picked(True, False), False, ("True", "False")),
    Spelled("datetime", _moment),
    Spelled("date", lambda random, names: _moment(random, names).date(), True, ("date(2024, 2, 29)",)),
    Spelled("time", lambda random, names: _moment(random, names).time(), False, ("time(12, 30)",)),
    Spelled("timedelta", lambda random, names: timedelta(random.randint(-99, 99), random.randint(0, 86399), random.choice([0, 7, 999_999])), False, ("timedelta(minutes=5)", "timedelta(days=1)")),
    Spelled("UUID", lambda random, names: UUID(int=random.getrandbits(128)), True, ("UUID('00000000-0000-0000-0000-0000000000ff')",)),
    Spelled("Decimal", lambda random, names: Decimal(random.choice(["0", "1.50", "-3E+7", "12345678901234567890.123", "1e-9"])), False, ('Decimal("1.50")',)),
    Spelled("bytes", lambda random, names: random.randbytes(random.randint(0, 5)), False, ('b"x"',)),
    Spelled("Path", _picked(Path("a/b"), Path("/tmp/größe"), Path(".")), True, ('Path("data")',)),
    Spelled("Colour", _member("Colour"), True, ("Colour.RED",)),
    Spelled("Level", _member("Level"), True, ("Level.HIGH",)),
    Spelled("Mode", _member("Mode"), True, ("Mode.FAST",)),
    Spelled("Literal['a', 'b']", _picked("a", "b"), True, ("'a'",)),
    Spelled("Literal[1, 2, 3]", _picked(1, 2, 3), True, ("2",)),
    Spelled("None", _picked(None), False, ("None",)),
)  # fmt: skip


@dataclass
class FieldOf:
    attribute: str
    given: str
    """The name by which the constructor takes it."""
    type: Spelled
    has_default: bool
    is_computed: bool
    """Its default is no literal: on the wire it is required, to a library it is not."""


@dataclass
class ClassOf:
    name: str
    use: str
    """How it is named where it is used: ``Box[int]``."""
    fields: list[FieldOf]
    depth: int
    tag: str | None = None

    def value(self, random: Random, names: Names, *, depth: int = 0) -> Any:
        given = {
            item.given: item.type.value(random, names)
            for item in self.fields
            if not item.has_default or random.random() < 0.7
        }
        return eval(self.use, dict(names))(**given)


@dataclass
class ModelModule:
    name: str
    kind: Kind
    text: str
    classes: list[ClassOf] = field(default_factory=list)


def model_module(name: str, kind: Kind, seed: int) -> ModelModule:
    """A module below ``flows`` with classes of one kind, and a flow whose steps return them."""
    return _Writer(name, kind, Random(f"{kind} {seed}")).write()


class _Writer:
    def __init__(self, name: str, kind: Kind, random: Random) -> None:
        self.name, self.kind, self.random = name, kind, random
        self.lines: list[str] = []
        self.classes: list[ClassOf] = []

    def chance(self, one_in: int) -> bool:
        return self.random.randrange(one_in) == 0

    def write(self) -> ModelModule:
        for number in range(self.random.randint(2, 4)):
            self.add_class(f"C{number}")
        flow = [f'flow = Flow[None]("{self.name}")', ""]
        for number, item in enumerate(self.classes):
            flow += ["", "@flow.step", f"def s{number}() -> {item.use}:", "    raise NotImplementedError", ""]
        return ModelModule(self.name, self.kind, "\n".join([_HEAD, *self.lines, "", *flow]), self.classes)

    # -- types

    def type(self, depth: int = 2) -> Spelled:
        if depth == 0 or self.chance(2):
            return self.random.choice(PLAIN)
        match self.random.randrange(8):
            case 0 | 1:
                return _list(self.type(depth - 1))
            case 2:
                return _dict(self.type(depth - 1))
            case 3:
                return _optional(self.type(depth - 1), self.random)
            case 4:
                return _tuple([self.type(depth - 1) for _ in range(self.random.randint(1, 3))])
            case 5:
                return _collection(self.random.choice([item for item in PLAIN if item.hashable]), self.random)
            case _ if self.classes:
                return self.reference()
            case _:
                return self.random.choice(PLAIN)

    def reference(self) -> Spelled:
        tagged = [item for item in self.classes if item.tag is not None]
        if len(tagged) > 1 and self.chance(2):
            chosen = self.random.sample(tagged, 2)
            text = " | ".join(item.use for item in chosen)
            if self.kind == "pydantic" and self.chance(2):
                text = f"Annotated[{text}, Field(discriminator='kind')]"
            return Spelled(text, lambda random, names: random.choice(chosen).value(random, names))
        item = self.random.choice(self.classes)
        return Spelled(item.use, item.value)

    def bounded(self) -> tuple[Spelled, str]:
        """A number or a text within bounds, and the arguments of ``Field`` that say so."""
        if self.chance(2):
            return Spelled("int", lambda random, names: random.randint(0, 9), True, ("5",)), "ge=0, lt=10"
        return Spelled("str", _picked("a", "ab", "größe"), True, ("'x'",)), "min_length=1, max_length=5"

    # -- classes

    def add_class(self, name: str) -> None:
        is_row = self.kind == "named_tuple"
        parent = self.random.choice(self.classes) if self.classes and self.chance(4) and not is_row else None
        if parent is not None and (parent.tag or "[" in parent.use):
            parent = None
        is_generic = parent is None and self.chance(5)
        tag = name.lower() if not is_generic and parent is None and self.chance(2) and not is_row else None
        fields = list(parent.fields) if parent is not None else []
        body, keyword_only = (
            [f'    """{name}, of many."""', ""] if self.chance(3) else [],
            self._is_keyword_only(parent),
        )
        own: list[tuple[FieldOf, str]] = []
        if is_generic:
            inner = self.random.choice(
                [item for item in PLAIN if item.text in ("int", "str", "UUID", "Colour")]
            )
            own.append((FieldOf("value", "value", inner, False, False), "    value: T"))
        if tag is not None:
            own.append(self._tag(tag))
        for number in range(self.random.randint(1, 5)):
            own.append(self._field(f"f{name[1:]}_{number}"))
        if not keyword_only:  # those with defaults stand last
            own.sort(key=lambda pair: pair[0].has_default)
        body += [line for _, line in own]
        body += self._extras()
        fields += [item for item, _ in own]
        self.lines += ["", "", *self._head(name, parent, keyword_only, is_generic), *body]
        use = f"{name}[{own[0][0].type.text}]" if is_generic else name
        self.classes.append(ClassOf(name, use, fields, 0, tag))

    def _is_keyword_only(self, parent: ClassOf | None) -> bool:
        if self.kind == "named_tuple":
            return False
        return self.kind == "pydantic" or parent is not None or self.chance(3)

    def _head(self, name: str, parent: ClassOf | None, keyword_only: bool, is_generic: bool) -> list[str]:
        bases = [parent.name] if parent is not None else []
        flags = [f"kw_only={keyword_only}"] if keyword_only and self.kind != "pydantic" else []
        own = {"pydantic": "BaseModel", "msgspec": "Struct", "named_tuple": "NamedTuple"}.get(self.kind)
        if own is not None and not bases:
            bases.append(own)
        if is_generic:
            bases.append("Generic[T]")
        if self.kind == "msgspec":
            bases += flags
            bases += ["forbid_unknown_fields=True"] if self.chance(6) else []
        said = f"class {name}({', '.join(bases)}):" if bases else f"class {name}:"
        if self.kind == "dataclass":
            flags += self.random.choice([[], [], ["slots=True"], ["eq=True", "order=False"]])
            mark = self.random.choice(["dataclass", "dataclasses.dataclass"])
            return [f"@{mark}({', '.join(flags)})" if flags else f"@{mark}", said]
        if self.kind == "attrs":
            mark = self.random.choice(["define", "mutable"])
            return [f"@attrs.{mark}({', '.join(flags)})" if flags else f"@attrs.{mark}", said]
        if self.kind == "pydantic" and self.chance(3):
            config = self.random.choice(['extra="forbid"', "str_strip_whitespace=False", 'extra="ignore"'])
            return [said, f"    model_config = ConfigDict({config})", ""]
        return [said]

    def _tag(self, tag: str) -> tuple[FieldOf, str]:
        spelled = Spelled(f"Literal['{tag}']", _picked(tag), True, (f"'{tag}'",))
        return FieldOf("kind", "kind", spelled, True, False), f"    kind: Literal['{tag}'] = '{tag}'"

    def _extras(self) -> Iterator[str]:
        if self.kind == "named_tuple":
            return
        if self.chance(4):
            yield "    known: ClassVar[int] = 3"
        if self.chance(4):
            yield "\n    @property\n    def size(self) -> int:\n        return 1"
        if self.kind == "pydantic":
            if self.chance(4):
                yield "    _cache: dict[str, int] = PrivateAttr(default_factory=dict)"
            if self.chance(5):
                yield "\n    @computed_field\n    @property\n    def twice(self) -> int:\n        return 2"
            if self.chance(5):
                yield "\n    @model_validator(mode='after')\n    def checked(self) -> Any:\n        return self"
        elif self.kind in ("dataclass", "msgspec") and self.chance(5):
            yield "\n    def __post_init__(self) -> None:\n        pass"
        elif self.kind == "attrs" and self.chance(5):
            yield "\n    def __attrs_post_init__(self) -> None:\n        pass"

    def _field(self, name: str) -> tuple[FieldOf, str]:
        said = ""
        if self.chance(5):
            spelled, said = self.bounded()
        else:
            spelled = self.type()
        attribute = given = name
        words: list[str] = []
        if self.kind == "pydantic" and self.chance(5):
            given = f"{name}Alias"
            words.append(f"alias='{given}'")
        if self.kind == "attrs" and self.chance(5):
            attribute = f"_{name}"
        annotation = spelled.text
        if said and self.kind == "pydantic" and self.chance(2):
            words.append(said)
        elif said:
            annotation = self._annotated(spelled, said)
        item = FieldOf(attribute, given, spelled, False, False)
        default = self._default(spelled, item)
        return item, f"    {attribute}: {annotation}{self._written(default, words)}"

    def _annotated(self, spelled: Spelled, said: str) -> str:
        if self.kind == "pydantic":
            return f"Annotated[{spelled.text}, Field({said})]"
        if self.kind in ("msgspec", "attrs"):
            return f"Annotated[{spelled.text}, Meta({said})]"
        marks = "Ge(0), Lt(10)" if spelled.text == "int" else "MinLen(1), MaxLen(5)"
        return f"Annotated[{spelled.text}, {marks}]"

    def _default(self, spelled: Spelled, item: FieldOf) -> tuple[str, str] | None:
        """("default" or "factory", text); None for none."""
        if self.chance(2):
            return None
        item.has_default = True
        if spelled.text == "UUID" and self.kind != "named_tuple" and self.chance(2):
            item.is_computed = True
            return "factory", "uuid4"
        if spelled.text.startswith("list[") and self.kind != "named_tuple":
            return "factory", "list"
        if spelled.text.startswith("dict[") and self.kind != "named_tuple":
            return "factory", "dict"
        if spelled.defaults:
            return "default", self.random.choice(spelled.defaults)
        item.has_default = False
        return None

    def _written(self, default: tuple[str, str] | None, words: list[str]) -> str:
        calls = {
            "dataclass": "field",
            "pydantic": "Field",
            "attrs": "attrs.field",
            "msgspec": "msgspec.field",
        }
        if self.kind == "named_tuple":
            return "" if default is None else f" = {default[1]}"
        if default is not None and default[0] == "factory":
            word = "factory" if self.kind == "attrs" else "default_factory"
            words = [f"{word}={default[1]}", *words]
        elif default is not None and (words or self.chance(4)):
            words = [f"default={default[1]}", *words]
        elif default is not None:
            return f" = {default[1]}"
        elif self.kind in ("pydantic", "dataclass", "attrs") and not words and self.chance(6):
            return f" = {calls[self.kind]}()"
        return f" = {calls[self.kind]}({', '.join(words)})" if words else ""


def _list(item: Spelled) -> Spelled:
    return Spelled(
        f"list[{item.text}]",
        lambda random, names: [item.value(random, names) for _ in range(random.randint(0, 3))],
    )


def _dict(item: Spelled) -> Spelled:
    def value(random: Random, names: Names) -> Any:
        return {key: item.value(random, names) for key in random.sample(_TEXTS, random.randint(0, 2))}

    return Spelled(f"dict[str, {item.text}]", value)


def _optional(item: Spelled, random: Random) -> Spelled:
    if item.text == "None":
        return item
    quoted = item.text.startswith("'")
    forms = [f"{item.text} | None", f"Optional[{item.text}]", f"Union[None, {item.text}]"]
    text = forms[1] if quoted else random.choice(forms)
    return Spelled(
        text, lambda r, names: None if r.random() < 0.4 else item.value(r, names), False, ("None",)
    )


def _tuple(items: list[Spelled]) -> Spelled:
    text = f"tuple[{', '.join(item.text for item in items)}]"
    return Spelled(text, lambda random, names: tuple(item.value(random, names) for item in items))


def _collection(item: Spelled, random: Random) -> Spelled:
    kind = random.choice(["tuple", "set", "frozenset"])
    make = {"tuple": tuple, "set": set, "frozenset": frozenset}[kind]
    text = f"{kind}[{item.text}{', ...' if kind == 'tuple' else ''}]"

    def value(r: Random, names: Names) -> Any:
        return make(item.value(r, names) for _ in range(r.randint(0, 3)))

    return Spelled(text, value)
