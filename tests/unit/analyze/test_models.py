"""Classes with fields and enums: what is read of them, and what cannot be."""

# ruff: noqa: E501

from __future__ import annotations

from pathlib import Path

import pytest

from pgflow_gen.ir.types import BoundedType, ClassRef, EnumType, Field
from tests.support.analysis import read_type

IMPORTS = """
import abc, dataclasses as dc, enum
from dataclasses import InitVar, KW_ONLY, dataclass, field
from enum import Enum, IntEnum, StrEnum, auto, unique
"""


def fields(tmp_path: Path, prelude: str, name: str = "A") -> dict[str, Field]:
    read, found = read_type(tmp_path, name, IMPORTS + prelude)
    read.clean()
    assert isinstance(found, ClassRef)
    return {item.key: item for item in read.record(name).fields}


def told(found: dict[str, Field]) -> dict[str, tuple[str, str | None]]:
    """Type and default of each field; a default only where the key is not required."""
    assert all(item.required == (item.default is None) for item in found.values())
    return {key: (str(item.type), item.default) for key, item in found.items()}


DATACLASSES = [
    ("@dataclass\nclass A:\n    x: int\n    y: 'str | None' = None", {"x": ("int", None), "y": ("str | None", "null")}),
    ("@dc.dataclass(frozen=True, kw_only=True)\nclass A:\n    x: int = -1", {"x": ("int", "-1")}),
    ("@dataclass\nclass A:\n    x: list[int] = field(default_factory=list, repr=False)", {"x": ("list[int]", "[]")}),
    ("@dataclass\nclass A:\n    x: list[int] = field(default_factory=lambda: [1, 2])", {"x": ("list[int]", "[1, 2]")}),
    ("@dataclass\nclass A:\n    x: int = field(default=3)\n    y: str = field()", {"x": ("int", "3"), "y": ("str", None)}),
    ("N = 5\n@dataclass\nclass A:\n    x: int = N", {"x": ("int", "5")}),
    ("def f() -> int: ...\n@dataclass\nclass A:\n    x: int = f()\n    y: int = field(default_factory=f)",
     {"x": ("int", None), "y": ("int", None)}),
    ("class C(Enum):\n    R = 'r'\n@dataclass\nclass A:\n    x: C = C.R\n    y: str = C.R.value",
     {"x": ("C", '"r"'), "y": ("str", '"r"')}),
    ("@dataclass\nclass B:\n    x: int\n    y: int = 1\n@dataclass\nclass A(B):\n    z: int = 2\n    x: int = 3",
     {"x": ("int", "3"), "y": ("int", "1"), "z": ("int", "2")}),
    ("class M:\n    note: str\n    def m(self): ...\n@dataclass\nclass A(M, abc.ABC):\n    x: int", {"x": ("int", None)}),
    ("@dataclass\nclass A:\n    n: t.ClassVar[int] = 1\n    _: KW_ONLY\n    x: t.Final[int] = 2\n    m: 't.ClassVar' = 3",
     {"x": ("int", "2")}),
    ("@dataclass\nclass A:\n    x: 'A | None' = None", {"x": ("A | None", "null")}),
    ("@dataclass\nclass A:\n    x: dict[str, float] = field(default_factory=lambda: {'a': 1.5})",
     {"x": ("dict[str, float]", '{"a": 1.5}')}),
]  # fmt: skip


@pytest.mark.parametrize(("prelude", "wanted"), DATACLASSES)
def test_fields_of_a_dataclass(
    tmp_path: Path, prelude: str, wanted: dict[str, tuple[str, str | None]]
) -> None:
    assert told(fields(tmp_path, prelude)) == wanted


def test_a_generic_dataclass_has_its_arguments_put_in(tmp_path: Path) -> None:
    prelude = "@dataclass\nclass B[T]:\n    x: T\n@dataclass\nclass A[U](B[list[U]]):\n    y: U"
    assert told(fields(tmp_path, prelude, "A[int]")) == {"x": ("list[int]", None), "y": ("int", None)}


ENUMS = [
    ("class A(Enum):\n    R = 'red'\n    B = 'blue'", {"R": "red", "B": "blue"}, None),
    ("@unique\nclass A(str, Enum):\n    R = 'red'", {"R": "red"}, "str"),
    ("class A(IntEnum):\n    R = 1\n    B = auto()\n    S = R\n", None, "int"),
    ("class A(IntEnum):\n    R = 4\n    B = auto()\n    N = -1", {"R": 4, "B": 5, "N": -1}, "int"),
    ("class A(StrEnum):\n    RED = auto()\n    _ignore_ = 'x'", {"RED": "red"}, "str"),
    ("class A(Enum):\n    R = 1\n    ALSO = 1\n    label: str\n    def shown(self): ...", {"R": 1}, None),
    ("class Base(Enum):\n    def shown(self): ...\nclass A(Base):\n    R = 'r'", {"R": "r"}, None),
]


@pytest.mark.parametrize(("prelude", "members", "base"), ENUMS)
def test_members_of_an_enum(
    tmp_path: Path, prelude: str, members: dict[str, str | int] | None, base: str | None
) -> None:
    read, found = read_type(tmp_path, "A", IMPORTS + prelude)
    if members is None:
        assert read.one("PGF302").message.endswith("no literal string or integer")
        return
    read.clean()
    assert isinstance(found, EnumType)
    assert (dict(found.members), found.base) == (members, base)


REFUSED = [
    ("@dataclass(init=False)\nclass A:\n    x: int", "PGF104", "init=False"),
    ("@dataclass\nclass A:\n    x: int = field(init=False)", "PGF104", "field 'x' of A"),
    ("@dataclass\nclass A:\n    x: InitVar[int]", "PGF104", "InitVar"),
    ("@dataclass\nclass A:\n    __x: int", "PGF104", "mangled"),
    ("@dataclass\nclass A:\n    x: int\n    def __init__(self, x): ...", "PGF104", "__init__"),
    ("class M(type): ...\n@dataclass\nclass A(metaclass=M):\n    x: int", "PGF104", "metaclass"),
    ("def d(c): ...\n@d\n@dataclass\nclass A:\n    x: int", "PGF104", "decorator"),
    ("@dataclass\nclass A(dict):\n    x: int", "PGF302", "inherits from dict"),
    ("from somewhere import Base\n@dataclass\nclass A(Base):\n    x: int", "PGF103", "somewhere"),
    ("@dataclass\nclass A:\n    x: complex", "PGF302", "field 'x' of A: complex"),
    ("@dataclass\nclass B:\n    x: int\nclass A(B):\n    y: int", "PGF302", "dataclass A"),
    ("class A(Enum):\n    R = 1.5", "PGF302", "no literal"),
    ("class A(str, Enum):\n    R = 1", "PGF302", "no literal"),
    ("class A(Enum):\n    R = ('a', 1)\n    def __init__(self, a, b): ...", "PGF302", "__init__"),
    ("class A(Enum):\n    R = 'a\\0'", "PGF302", "PostgreSQL"),
    ("class A(Enum): ...", "PGF302", "no members"),
    ("class A(enum.Flag):\n    R = 1", "PGF302", "enum A"),
]


@pytest.mark.parametrize(("prelude", "code", "message"), REFUSED)
def test_what_cannot_be_known_or_made_is_refused(
    tmp_path: Path, prelude: str, code: str, message: str
) -> None:
    read, _ = read_type(tmp_path, "A", IMPORTS + prelude)
    fault = read.one(code)
    assert message in fault.message + (fault.help or "")
    assert fault.help


TWO = "@dataclass\nclass A:\n    {}\n@dataclass\nclass B:\n    {}\nclass E(Enum):\n    R = 'r'\n"
UNIONS = [
    ("A | B", ("x: int", "y: int"), True),
    ("A | B", ("x: int", "x: int\n    y: int = 1"), False),
    ("A | B", ("x: int", "x: int\n    y: int"), True),
    ("A | B", ("k: t.Literal['a'] = 'a'", "k: t.Literal['b'] = 'b'"), True),
    ("A | B", ("k: t.Literal['a', 'b']", "k: t.Literal['b']"), False),
    ("A | None | str | list[int]", ("x: int", "x: int"), True),
    ("A | dict[str, int]", ("x: int", "x: int"), False),
    ("list[A] | list[int]", ("x: int", "x: int"), False),
    ("E | None | int", ("x: int", "x: int"), True),
    ("E | str", ("x: int", "x: int"), False),
    ("E | t.Literal['s']", ("x: int", "x: int"), False),
    ("dict[str, list[A | B]]", ("x: int", "x: int"), False),
    ("str | t.Literal['x'] | dict[str, int] | dict[str, str]", ("x: int", "x: int"), True),
]


@pytest.mark.parametrize(("annotation", "bodies", "is_told"), UNIONS)
def test_members_of_a_union_must_be_told_apart(
    tmp_path: Path, annotation: str, bodies: tuple[str, str], is_told: bool
) -> None:
    read, _ = read_type(tmp_path, annotation, IMPORTS + TWO.format(*bodies))
    if is_told:
        read.clean()
    else:
        assert "cannot be told apart" in read.one("PGF302").message


def test_a_union_in_a_field_is_judged_where_it_stands(tmp_path: Path) -> None:
    prelude = TWO.format("x: int", "x: int") + "class R(t.TypedDict):\n    either: 'A | B'\n"
    read, _ = read_type(tmp_path, "R", IMPORTS + prelude)
    assert read.one("PGF302").message.startswith("key 'either' of R: A and B cannot be told apart")


PYTHON = """
from annotated_types import Ge, Gt, Interval, Le, Len, Lt, MaxLen, MinLen, MultipleOf
from pgflow_runtime import Default
from pydantic import Field as F
"""
BOUNDS = [
    ("Annotated[int, Ge(0), Le(100)]", {"minimum": 0, "maximum": 100}),
    ("Annotated[float, Gt(-1.5), Lt(2)]", {"exclusiveMinimum": -1.5, "exclusiveMaximum": 2}),
    (
        "Annotated[int, Interval(ge=1, lt=5), MultipleOf(2)]",
        {"minimum": 1, "exclusiveMaximum": 5, "multipleOf": 2},
    ),
    ("Annotated[str, MaxLen(10), 'a note']", {"maxLength": 10}),
    ("Annotated[list[int], Len(1, 3)]", {"minItems": 1, "maxItems": 3}),
    ("Annotated[dict[str, int], MinLen(1)]", {"minProperties": 1}),
    ("Annotated[int | None, F(ge=0)]", {"minimum": 0}),
    ("Annotated[str, F(pattern='^a', min_length=2)]", {"pattern": "^a", "minLength": 2}),
]


@pytest.mark.parametrize(("annotation", "wanted"), BOUNDS)
def test_bounds_are_kept(tmp_path: Path, annotation: str, wanted: dict[str, object]) -> None:
    read, found = read_type(tmp_path, annotation.replace("Annotated", "t.Annotated"), PYTHON)
    read.clean()
    assert isinstance(found, BoundedType)
    assert dict(found.bounds) == wanted


def test_bounds_and_defaults_of_keys(tmp_path: Path) -> None:
    prelude = PYTHON + (
        "N = 3\nclass R(t.TypedDict):\n    size: t.NotRequired[t.Annotated[int, Ge(1), Default(N)]]\n"
        "    rate: t.Annotated[t.NotRequired[float], Default(1)]\n"
    )
    read, _ = read_type(tmp_path, "R", prelude)
    read.clean()
    size, rate = read.record("R").fields
    assert (str(size.type), size.default, size.required) == ("int", "3", False)
    assert isinstance(size.type, BoundedType)
    assert (rate.default, rate.required) == ("1.0", False)


UNCHECKED = [
    ("t.Annotated[complex, Ge(0)]", "PGF302", "complex"),
    ("t.Annotated[bool, Ge(0)]", "PGF302", "ge=0 cannot be checked for bool"),
    ("t.Annotated[str, Ge(0)]", "PGF302", "ge=0 cannot be checked for str"),
    ("t.Annotated[int, Above(0)]", "PGF103", "Above"),
    ("t.Annotated[int, Ge(f())]", "PGF104", "f() is not statically known"),
    ("t.Annotated[int, Default(3)]", "PGF302", "Default(...) says nothing here"),
    ("t.TypedDict('R', {'x': t.Annotated[int, Default(3)]})", "PGF302", "is not a type"),
]


@pytest.mark.parametrize(("annotation", "code", "message"), UNCHECKED)
def test_a_bound_that_cannot_be_kept_is_refused(
    tmp_path: Path, annotation: str, code: str, message: str
) -> None:
    read, _ = read_type(tmp_path, annotation, PYTHON + "def f(): ...\n")
    assert message in read.one(code).message


def test_a_default_of_a_required_key_is_refused(tmp_path: Path) -> None:
    prelude = PYTHON + "class R(t.TypedDict):\n    x: t.Annotated[int, Default(3)]\n"
    read, _ = read_type(tmp_path, "R", prelude)
    fault = read.one("PGF302")
    assert fault.message == "key 'x' of R: it has a Default, and is required"
    assert fault.help == "write NotRequired[Annotated[int, Default(...)]]"


LIBRARIES = """
import attr, attrs, msgspec, pydantic
from pydantic import BaseModel, ConfigDict, Field
"""
OF_LIBRARIES = [
    ("class A(BaseModel):\n    x: int = Field(3, ge=0)\n    _y: int = 1", {"x": ("int", "3")}),
    ("class A(BaseModel):\n    x: t.Annotated[int, Field(alias='z')] = Field(...)", {"z": ("int", None)}),
    (
        "class B(BaseModel):\n    x: int\nclass A(B):\n    y: 'A | None' = None",
        {"x": ("int", None), "y": ("A | None", "null")},
    ),
    (
        "class A(pydantic.BaseModel):\n    model_config = {'frozen': True}\n    x: pydantic.PositiveInt",
        {"x": ("int", None)},
    ),
    (
        "class A(BaseModel):\n    x: int = Field(default_factory=int)\n    n: t.ClassVar[int] = 3",
        {"x": ("int", "0")},
    ),
    (
        "@attrs.define\nclass A:\n    x: int\n    _y: int = attrs.field(default=1)",
        {"x": ("int", None), "y": ("int", "1")},
    ),
    (
        "@attr.s(auto_attribs=True)\nclass A:\n    x: list[int] = attr.ib(factory=list)",
        {"x": ("list[int]", "[]")},
    ),
    ("@attrs.frozen\nclass A:\n    x: int = attrs.field(alias='z', default=2)", {"z": ("int", "2")}),
    ("class A(msgspec.Struct, tag=True, rename='camel'):\n    x: list[int] = []", {"x": ("list[int]", "[]")}),
    (
        "class A(msgspec.Struct):\n    x: t.Annotated[int, msgspec.Meta(ge=1)] = msgspec.field(default=2)",
        {"x": ("int", "2")},
    ),
]


@pytest.mark.parametrize(("prelude", "wanted"), OF_LIBRARIES)
def test_fields_of_models_of_libraries(
    tmp_path: Path, prelude: str, wanted: dict[str, tuple[str, str | None]]
) -> None:
    assert told(fields(tmp_path, LIBRARIES + prelude)) == wanted


REFUSED_MODELS = [
    (
        "class A(BaseModel):\n    model_config = ConfigDict(extra='allow')\n    x: int",
        "PGF104",
        "keys that nobody knows",
    ),
    ("class A(BaseModel, alias_generator=str.upper):\n    x: int", "PGF104", "alias"),
    ("class A(BaseModel):\n    model_config = make()\n    x: int\ndef make(): ...", "PGF104", ""),
    ("class A(BaseModel):\n    x: int\n    class Config:\n        frozen = True", "PGF104", "old way"),
    ("class A(BaseModel):\n    x: int = Field(validation_alias='y')", "PGF104", "another name"),
    ("class A(BaseModel):\n    x: int = Field(3, exclude=True)", "PGF104", "left out"),
    ("class A(BaseModel):\n    x: pydantic.HttpUrl", "PGF302", "HttpUrl"),
    ("class A(BaseModel):\n    x: int\n    def __init__(self): ...", "PGF104", "a validator"),
    ("@attrs.define\nclass A:\n    x: int = attrs.field(converter=int)", "PGF104", "converter"),
    ("@attr.s\nclass A:\n    x: int = attr.ib()", "PGF104", "auto_attribs"),
    ("@attrs.define(init=False)\nclass A:\n    x: int", "PGF104", "init=False"),
]


@pytest.mark.parametrize(("prelude", "code", "message"), REFUSED_MODELS)
def test_models_whose_fields_cannot_be_known_are_refused(
    tmp_path: Path, prelude: str, code: str, message: str
) -> None:
    read, _ = read_type(tmp_path, "A", IMPORTS + LIBRARIES + prelude)
    fault = read.one(code)
    assert message in fault.message + (fault.help or "")
    assert fault.help
