"""Annotations of every spelling become the types they mean."""

from __future__ import annotations

from pathlib import Path

import pytest

from pgflow_gen.ir.types import NewTypeRef
from tests.support.analysis import read_flow, read_type

SPELLINGS = [
    ("str", "str"),
    ("None", "None"),
    ("list[int]", "list[int]"),
    ("t.List[float]", "list[float]"),
    ("List[str]", "list[str]"),
    ("dict[str, bool]", "dict[str, bool]"),
    ("t.Dict[str, t.List[int]]", "dict[str, list[int]]"),
    ("Optional[int]", "int | None"),
    ("t.Union[int, str, None]", "int | str | None"),
    ("int | str | int", "int | str"),
    ("(int | None) | (str | None)", "int | None | str"),
    ("Literal['a', 'b', 1, -2, True, None]", "Literal['a', 'b', 1, -2, True, None]"),
    ("Literal['a' 'b', 'a' 'b']", "Literal['ab']"),
    ("Literal[Literal['x'], 'y']", "Literal['x', 'y']"),
    ("Annotated[int, 'positive', 3]", "int"),
    ("Annotated['list[int]', 0]", "list[int]"),
    ("'list[str]'", "list[str]"),
    ("list['int']", "list[int]"),
    ("'list[\"int | None\"]'", "list[int | None]"),
    ("JsonValue", "JsonValue"),
    ("list[JsonValue]", "list[JsonValue]"),
    ("Sequence[int]", "Sequence[int]"),
    ("t.Mapping[str, Sequence[str]]", "Mapping[str, Sequence[str]]"),
    ("Text", "str"),
    ("Union[(int, str)]", "int | str"),
]


@pytest.mark.parametrize(("annotation", "meaning"), SPELLINGS)
def test_spelling(tmp_path: Path, annotation: str, meaning: str) -> None:
    read, found = read_type(tmp_path, annotation)
    read.clean()
    assert str(found) == meaning


IMPORTS = [
    ("", "list[tuple[int, list[str]]]", "list[tuple[int, list[str]]]"),
    ("", "t.Tuple[int, ...] | None", "tuple[int, ...] | None"),
    ("import datetime as d", "dict[str, set[d.date] | None]", "dict[str, set[date] | None]"),
    ("", "t.FrozenSet[tuple[int, str]]", "frozenset[tuple[int, str]]"),
    ("import datetime as d", "list[d.datetime] | d.date", "list[datetime] | date"),
    ("from datetime import time, timedelta", "list[time] | timedelta", "list[time] | timedelta"),
    ("import uuid", "dict[str, uuid.UUID | None]", "dict[str, UUID | None]"),
    ("from decimal import Decimal as D", "D", "Decimal"),
    ("from pathlib import Path", "list[Path | list[bytes]]", "list[Path | list[bytes]]"),
    ("from collections.abc import Sequence as Seq", "Seq[int]", "Sequence[int]"),
    ("import collections.abc", "collections.abc.Mapping[str, int]", "Mapping[str, int]"),
    ("import collections.abc as c", "c.Sequence[int]", "Sequence[int]"),
    ("import typing_extensions as te", "te.Literal['a']", "Literal['a']"),
    ("from typing_extensions import Annotated as A", "A[str, 1]", "str"),
    ("import pgflow_runtime", "pgflow_runtime.JsonValue", "JsonValue"),
    ("from pgflow_runtime.dsl.jsontypes import JsonValue as J", "J", "JsonValue"),
    ("import builtins", "builtins.list[builtins.int]", "list[int]"),
    ("L = list", "L[int]", "list[int]"),
]


@pytest.mark.parametrize(("prelude", "annotation", "meaning"), IMPORTS)
def test_import_spelling(tmp_path: Path, prelude: str, annotation: str, meaning: str) -> None:
    read, found = read_type(tmp_path, annotation, prelude)
    read.clean()
    assert str(found) == meaning


ALIASES = [
    ("X = list[int]", "X", "list[int]"),
    ("X: TypeAlias = 'list[int]'", "X", "list[int]"),
    ("X: t.TypeAlias = int | None", "X | str", "int | None | str"),
    ("type X = list[int]", "X", "list[int]"),
    ("type Pair[A, B] = dict[str, A | B]", "Pair[int, str]", "dict[str, int | str]"),
    ("type D[A = int] = list[A]", "D", "list[int]"),
    ("T = TypeVar('T')\nMany = list[T]", "Many[str]", "list[str]"),
    ("T = TypeVar('T')\nU = TypeVar('U')\nX = dict[str, U | T]", "X[int, str]", "dict[str, int | str]"),
    ("T = TypeVar('T')\nX = TypeAliasType('X', list[T], type_params=(T,))", "X[int]", "list[int]"),
    ("X = Literal['a']\nY = Literal[X, 'b']", "Y", "Literal['a', 'b']"),
    ("X = 'Later'\nLater = int", "X", "int"),
    ("X = None", "X", "None"),
    ("if TYPE_CHECKING:\n    X = list[str]\nelse:\n    X = list", "X", "list[str]"),
    ("if not TYPE_CHECKING:\n    X = list\nelse:\n    X = list[str]", "X", "list[str]"),
    ("X = list\nif TYPE_CHECKING:\n    X = list[str]", "X", "list[str]"),
]


@pytest.mark.parametrize(("prelude", "annotation", "meaning"), ALIASES)
def test_alias(tmp_path: Path, prelude: str, annotation: str, meaning: str) -> None:
    read, found = read_type(tmp_path, annotation, prelude)
    read.clean()
    assert str(found) == meaning


RECURSIVE = [
    ("type Tree = dict[str, Tree] | int", "Tree", "dict[str, Tree] | int"),
    ("Tree: TypeAlias = 'dict[str, Tree] | None'", "Tree", "dict[str, Tree] | None"),
    ("Tree = Union[int, list['Tree']]", "Tree", "int | list[Tree]"),
    ("type Tree[T] = T | list[Tree[T]]", "Tree[str]", "str | list[Tree[str]]"),
]


@pytest.mark.parametrize(("prelude", "annotation", "target"), RECURSIVE)
def test_recursive_alias(tmp_path: Path, prelude: str, annotation: str, target: str) -> None:
    read, found = read_type(tmp_path, annotation, prelude)
    read.clean()
    assert str(found) == annotation
    (alias,) = read.analyzed.analysis.types.aliases.values()
    assert str(alias.target) == target


def test_mutually_recursive_aliases(tmp_path: Path) -> None:
    read, found = read_type(tmp_path, "A", "type A = list[B]\ntype B = dict[str, A]")
    read.clean()
    assert str(found) == "A"
    assert {str(key): str(alias.target) for key, alias in read.analyzed.analysis.types.aliases.items()} == {
        "A": "list[dict[str, A]]"
    }


BOTTOMLESS = [
    "\n".join(f"type A{n} = list[A{n + 1}]" for n in range(300)) + "\ntype A300 = int",
    "\n".join(f"A{n} = 'list[A{n + 1}]'" for n in range(200)) + "\nA200 = int",
    "\n".join(f"type A{n} = dict[str, A{n + 1}] | list[A{n + 1}]" for n in range(60)) + "\ntype A60 = int",
    "class A0[T](TypedDict):\n    x: 'A0[A0[T] | list[T]]'",
]


@pytest.mark.parametrize("prelude", BOTTOMLESS)
def test_types_without_a_bottom(tmp_path: Path, prelude: str) -> None:
    read, _ = read_type(tmp_path, "A0[int]" if "class A0[" in prelude else "A0", prelude)
    assert set(read.codes) == {"PGF302"}
    assert len(read.findings) <= 3
    assert {item.severity for item in read.findings} == {"error"}


def test_a_chain_of_base_classes_without_end(tmp_path: Path) -> None:
    chain = "\n".join(f"class A{n}(A{n + 1}): ..." for n in range(900)) + "\nclass A900(TypedDict): ..."
    read, _ = read_type(tmp_path, "A0", chain)
    assert "inside each other" in read.one("PGF302").message


def test_long_renamings_are_followed(tmp_path: Path) -> None:
    chain = "\n".join(f"A{n} = A{n + 1}" for n in range(1100)) + "\nA1100 = int"
    read, found = read_type(tmp_path, "A0", chain)
    read.clean()
    assert str(found) == "int"


def test_new_type(tmp_path: Path) -> None:
    read, found = read_type(tmp_path, "list[UserId]", "UserId = NewType('UserId', int)")
    read.clean()
    assert str(found) == "list[UserId]"
    (inner,) = [getattr(found, "item", None)]
    assert isinstance(inner, NewTypeRef)
    assert str(inner.base) == "int"


def test_future_annotations_and_forward_references(tmp_path: Path) -> None:
    read = read_flow(
        tmp_path,
        """
        from __future__ import annotations
        from typing import TypedDict
        from pgflow_runtime import Flow

        crawl = Flow["In"]("crawl")

        @crawl.step
        def fetch(flow_input: In) -> Page: ...

        class In(TypedDict):
            page: "Page"

        class Page(TypedDict):
            url: str
        """,
    ).clean()
    assert str(read.flow.input) == "In"
    assert str(read.record("In").fields[0].type) == "Page"


REFUSED = [
    ("tuple", "", "tuple", "tuple[T, ...]"),
    ("tuple[()]", "", "tuple[()]", "None"),
    ("set[list[int]]", "", "set[list[int]]", "list[list[int]]"),
    ("FrozenSet", "", "frozenset", "frozenset[T]"),
    ("set[int, str]", "", "set[...] takes one type", ""),
    ("list", "", "bare list", "list[T]"),
    ("Dict", "", "bare dict", "dict[str, T]"),
    ("Sequence", "", "bare Sequence", "Sequence[T]"),
    ("dict[int, str]", "", "dict[int, ...]", "dict[str, T]"),
    ("Mapping[int, str]", "", "Mapping[int, ...]", "dict[str, T]"),
    ("timezone", "from datetime import timezone", "timezone", "str"),
    ("bytearray", "", "bytearray", "bytes"),
    ("PurePosixPath", "from pathlib import PurePosixPath", "PurePosixPath", "Path"),
    ("User", "from pydantic import RootModel\nclass User(RootModel[int]): ...",
     "RootModel of pydantic", "BaseModel"),
    ("User", "from pydantic import SecretStr as User", "SecretStr of pydantic", "str"),
    ("P", "P = NamedTuple('P', [('x', int)])", "named tuple P", "class P(NamedTuple)"),
    ("P", "from collections import namedtuple\nP = namedtuple('P', 'x y')",
     "named tuple P", "class P(NamedTuple)"),
    ("NamedTuple", "", "NamedTuple is not JSON", "inherits from NamedTuple"),
    ("Plain", "class Plain:\n    x: int", "class Plain", "TypedDict"),
    ("Callable[[int], str]", "", "Callable", "functions"),
    ("Iterator[int]", "", "Iterator", "list"),
    ("Awaitable[int]", "", "Awaitable", "async def"),
    ("Iterable[int]", "", "Iterable", "Sequence"),
    ("defaultdict[str, int]", "from collections import defaultdict", "defaultdict", "dict[str, T]"),
    ("type[int]", "", "type", "classes"),
    ("Never", "", "Never", "returns"),
    ("T", "T = TypeVar('T')", "type variable T", "generic"),
    ("X", "X = 3", "3 is not a type", "type"),
    ("X", "X = compute()", "'X' is not a type", "TypedDict"),
    ("helper", "def helper(): ...", "a function", ""),
    ("t", "", "module 'typing' is not a type", ""),
    ("Flow", "", "Flow is not JSON", ""),
    ("Literal[b'x']", "", "Literal[b'x']", "strings"),
    ("Literal[3.5]", "", "Literal[3.5]", "strings"),
    ("1 + 2", "", "1 + 2 is not a type", ""),
    ("[int]", "", "[int] is not a type", ""),
    ("'list['", "", "is not a type", "quotes"),
    ("list[int, str]", "", "list[...] takes one type", ""),
    ("Required[int]", "", "Required", "TypedDict"),
    ("Loop", "type Loop = Loop | None", "stands for itself", "list"),
    ("Box", "class Box[T](TypedDict):\n    item: T", "generic Box", "Box[T]"),
    ("Box[int, str]", "class Box[T](TypedDict):\n    item: T", "takes 1 type argument, not 2", ""),
    ("Plain[int]", "class Plain(TypedDict):\n    x: int", "takes no type arguments", ""),
    ("Outer.Inner", "class Outer:\n    class Inner(TypedDict):\n        x: int", "Outer.Inner", "top level"),
]  # fmt: skip


@pytest.mark.parametrize(("annotation", "prelude", "message", "help"), REFUSED)
def test_refused_type(tmp_path: Path, annotation: str, prelude: str, message: str, help: str) -> None:
    read, found = read_type(tmp_path, annotation, prelude)
    fault = read.one("PGF302")
    assert fault.severity == "error"
    assert message in fault.message
    assert help in (fault.help or "")
    assert read.at(fault)[1] == "one"
    assert fault.highlight is not None
    assert read.text(fault.highlight) == annotation
    assert str(found).replace("list[?]", "?").replace("dict[str, ?]", "?") == "?"


@pytest.mark.parametrize(
    ("annotation", "name"), [("Any", "Any"), ("object", "object"), ("list[t.Any]", "Any")]
)
def test_unchecked_types_pass_with_a_warning(tmp_path: Path, annotation: str, name: str) -> None:
    read, found = read_type(tmp_path, annotation)
    warning = read.one("PGF302")
    assert warning.severity == "warning"
    assert name in warning.message
    assert str(found) == annotation.replace("t.", "")


@pytest.mark.parametrize(
    ("annotation", "prelude", "help"),
    [
        ("Sequence[int]", "", "list[int]"),
        ("list[Mapping[str, int]]", "", "dict[str, int]"),
        ("UserId", "UserId = NewType('UserId', str)", "str"),
        ("Many", "type Many = list[Sequence[Many]]", "list[Many]"),
    ],
)
def test_only_parameters_are_read_only(tmp_path: Path, annotation: str, prelude: str, help: str) -> None:
    read = read_flow(
        tmp_path,
        "from typing import *\nfrom pgflow_runtime import Flow\n"
        f"{prelude}\nflow = Flow[None]('flow')\n@flow.step\ndef one() -> {annotation}: ...\n"
        f"@flow.step\ndef two(one: {annotation}) -> None: ...\n",
    )
    fault = read.one("PGF302")
    assert "may only annotate a parameter" in fault.message
    assert help in (fault.help or "")
    assert read.text(fault.span) == annotation


def test_a_function_that_hides_a_builtin(tmp_path: Path) -> None:
    read = read_flow(
        tmp_path,
        """
        from pgflow_runtime import Flow
        flow = Flow[None]("flow")

        @flow.step
        def list() -> list[int]: ...
        """,
    )
    fault = read.one("PGF302")
    assert "hides the builtin" in fault.message
    assert fault.help == "name the function list_ and pass slug='list'"


def test_the_fault_of_an_alias_is_reported_at_each_use(tmp_path: Path) -> None:
    read = read_flow(
        tmp_path,
        """
        from fractions import Fraction
        from pgflow_runtime import Flow
        Times = list[Fraction]
        flow = Flow[None]("flow")

        @flow.step
        def one() -> Times: ...

        @flow.step
        def two(one: Times) -> Times: ...
        """,
    )
    assert [read.at(item) for item in read.findings] == [(7, "Times"), (10, "one"), (10, "Times")]
    assert read.findings[0].notes == ("in the alias Times, flows/crawl.py:3",)
