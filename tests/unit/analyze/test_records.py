"""TypedDicts of every syntax become records with the right keys."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.analysis import Read, read_flow, read_type


def shape(read: Read, name: str) -> list[str]:
    """The keys of a record: ``key?: type`` when not required, ``=`` when read-only."""
    return [
        f"{item.key}{'' if item.required else '?'}{'=' if item.read_only else ''}: {item.type}"
        for item in read.record(name).fields
    ]


RECORDS = [
    ("class R(TypedDict):\n    a: int\n    b: NotRequired[str]", ["a: int", "b?: str"]),
    ("class R(TypedDict, total=False):\n    a: int\n    b: Required[str]", ["a?: int", "b: str"]),
    ("class R(TypedDict, total=True):\n    a: int", ["a: int"]),
    ("class R(TypedDict):\n    a: ReadOnly[NotRequired[int]]\n    b: 'NotRequired[ReadOnly[str]]'",
     ["a?=: int", "b?=: str"]),
    ("class R(TypedDict):\n    a: Annotated[NotRequired[int], 'x']", ["a?: int"]),
    ("class R(t.TypedDict):\n    a: 't.Optional[R]'", ["a: R | None"]),
    ("import typing_extensions as te\nclass R(te.TypedDict):\n    a: te.NotRequired[int]", ["a?: int"]),
    ("class R(TypedDict): a: int", ["a: int"]),
    ("class R(TypedDict):\n    pass", []),
    ("class R(TypedDict):\n    'What R is.'\n    a: int\n    'What a is.'\n    b: int", ["a: int", "b: int"]),
    ("class B(TypedDict):\n    a: int\nclass R(B, total=False):\n    b: str", ["a: int", "b?: str"]),
    ("class A(TypedDict):\n    a: int\nclass B(TypedDict):\n    b: int\nclass R(A, B):\n    c: int",
     ["a: int", "b: int", "c: int"]),
    ("class B(TypedDict):\n    a: ReadOnly[int | None]\n    z: int\nclass R(B):\n    a: int",
     ["a: int", "z: int"]),
    ("R = TypedDict('R', {'a': int, 'b-c': NotRequired[str], 'class': 'list[R]'})",
     ["a: int", "b-c?: str", "class: list[R]"]),
    ("R = TypedDict('R', {'a': int, 'b': Required[int]}, total=False)", ["a?: int", "b: int"]),
    ("R = TypedDict('R', {})", []),
    ("TD = TypedDict\nclass R(TD):\n    a: int", ["a: int"]),
    ("class R(TypedDict):\n    a: R2\nclass R2(TypedDict):\n    r: list[R]", ["a: R2"]),
]  # fmt: skip


@pytest.mark.parametrize(("prelude", "expected"), RECORDS)
def test_record(tmp_path: Path, prelude: str, expected: list[str]) -> None:
    read, found = read_type(tmp_path, "R", prelude)
    read.clean()
    assert str(found) == "R"
    assert shape(read, "R") == expected


GENERICS = [
    ("class Box[T](TypedDict):\n    item: T", "Box[int]", ["item: int"]),
    ("T = TypeVar('T')\nclass Box(TypedDict, Generic[T]):\n    item: T", "Box[list[int]]",
     ["item: list[int]"]),
    ("T = TypeVar('T')\nU = TypeVar('U')\nclass P(TypedDict, Generic[U, T]):\n    a: T\n    b: U",
     "P[int, str]", ["a: str", "b: int"]),
    ("class Base[T](TypedDict):\n    item: T\nclass R[K](Base[list[K]]):\n    more: NotRequired[K]",
     "R[str]", ["item: list[str]", "more?: str"]),
    ("T = TypeVar('T')\nclass Base(TypedDict, Generic[T]):\n    item: T\nclass R(Base[T]):\n    more: T",
     "R[int]", ["item: int", "more: int"]),
    ("class Base[T](TypedDict):\n    item: T\nclass R(Base[int]):\n    more: str",
     "R", ["item: int", "more: str"]),
    ("class N[T](TypedDict):\n    value: T\n    rest: 'NotRequired[N[T]]'",
     "N[int]", ["value: int", "rest?: N[int]"]),
    ("class Box[T = str](TypedDict):\n    item: T", "Box", ["item: str"]),
    ("type Pair[A] = Box[A]\nclass Box[T](TypedDict):\n    item: T", "Pair[bool]", ["item: bool"]),
    ("T = TypeVar('T')\nSame: TypeAlias = T\nclass Box[T](TypedDict):\n    item: Same[list[T]]",
     "Box[int]", ["item: list[int]"]),
    ("T = TypeVar('T')\nSame = T\nOther = Same\nclass R(TypedDict):\n    a: Same[int]\n    b: Other[str]",
     "R", ["a: int", "b: str"]),
]  # fmt: skip


@pytest.mark.parametrize(("prelude", "annotation", "expected"), GENERICS)
def test_generic_record(tmp_path: Path, prelude: str, annotation: str, expected: list[str]) -> None:
    read, found = read_type(tmp_path, annotation, prelude)
    read.clean()
    assert shape(read, str(found)) == expected


def test_two_uses_of_a_generic_are_two_records(tmp_path: Path) -> None:
    read, _ = read_type(
        tmp_path, "Box[int] | Box[str] | Box[int]", "class Box[T](TypedDict):\n    item: T\n    next: Box[T]"
    )
    read.clean()
    assert [str(key) for key in read.analyzed.analysis.types.records] == ["Box[int]", "Box[str]"]


def test_a_record_that_grows_without_end(tmp_path: Path) -> None:
    read, _ = read_type(tmp_path, "N[int]", "class N[T](TypedDict):\n    rest: 'N[list[T]]'")
    fault = read.one("PGF302")
    assert "larger and larger" in fault.message
    assert read.text(fault.span) == "rest"


GROWING = [
    "class N[T](TypedDict):\n    rest: 'N[list[T]]'",
    "T = TypeVar('T')\nclass N(TypedDict, Generic[T]):\n    rest: 'N[list[T]]'",
    "type More[T] = N[list[T]]\nclass N[T](TypedDict):\n    rest: More[T]",
    "class Base[A](TypedDict):\n    rest: N[A]\nclass N[T](Base[dict[str, T]]):\n    own: T",
    "class Pair[A, B](TypedDict):\n    a: Pair[B, A | list[B]]\n"
    "class N[T](TypedDict):\n    rest: Pair[T, str]",
    "class N[T, U = list[T]](TypedDict):\n    rest: N[U]",
]


@pytest.mark.parametrize("prelude", GROWING)
def test_a_record_that_grows_without_end_in_some_way(tmp_path: Path, prelude: str) -> None:
    read, _ = read_type(tmp_path, "N[int]", prelude)
    assert {item.code for item in read.findings} == {"PGF302"}
    assert all("larger and larger" in item.message for item in read.findings)


@pytest.mark.parametrize(
    ("prelude", "annotation"),
    [
        ("", "Box[" * 40 + "int" + "]" * 40),
        ("\n".join(f"type A{at}[T] = Box[list[A{at + 1}[T]]]" for at in range(15))
         + "\ntype A15[T] = T", "A0[int]"),
        ("\n".join(f"class C{at}[T](TypedDict):\n    x: C{at + 1}[Box[T]]" for at in range(30))
         + "\nclass C30[T](TypedDict):\n    x: T", "C0[int]"),
        # Ring turns for ever without growing, below arguments that are deep.
        ("class Ring[A, B](TypedDict):\n    x: NotRequired[Ring[B, A]]",
         f"Ring[{'list[' * 20}int{']' * 20}, str]"),
    ],
    ids=["arguments", "aliases", "records", "ring"],
)  # fmt: skip
def test_a_finite_type_may_be_deep(tmp_path: Path, prelude: str, annotation: str) -> None:
    read, _ = read_type(tmp_path, annotation, f"class Box[T](TypedDict):\n    item: T\n{prelude}")
    read.clean()


def test_type_arguments_that_double_each_other(tmp_path: Path) -> None:
    records = "\n".join(
        f"class C{at}[T](TypedDict):\n    x: C{at + 1}[dict[str, T] | list[T]]" for at in range(30)
    )
    read, _ = read_type(tmp_path, "C0[int]", f"{records}\nclass C30[T](TypedDict):\n    x: T")
    assert "the type arguments of C" in read.one("PGF302").message


def test_a_type_that_is_not_json_is_at_the_field(tmp_path: Path) -> None:
    read = read_flow(
        tmp_path,
        """
        from pgflow_runtime import Flow
        from flows.models import Page
        crawl = Flow[Page]("crawl")
        """,
        models="""
        from fractions import Fraction
        from typing import TypedDict
        class Base(TypedDict):
            when: Fraction | None
        class Page(Base):
            url: str
            tags: set[list[str]]
        """,
    )
    assert [(item.span.path, read.at(item)) for item in read.findings] == [
        ("flows/models.py", (4, "when")),
        ("flows/models.py", (7, "tags")),
    ]
    assert [item.code for item in read.findings] == ["PGF302"] * 2
    assert read.findings[0].message == "key 'when' of Base: Fraction is not JSON"
    assert read.findings[0].highlight is not None
    assert read.text(read.findings[0].highlight) == "Fraction | None"


def test_an_unknown_name_in_a_field_is_at_its_annotation(tmp_path: Path) -> None:
    read, _ = read_type(
        tmp_path, "R", "class Page(TypedDict):\n    x: int\nclass R(TypedDict):\n    p: list[Pgae]"
    )
    fault = read.one("PGF103")
    assert read.text(fault.span) == "list[Pgae]"
    assert fault.help == "did you mean 'Page'?"


def test_an_unknown_base_is_named(tmp_path: Path) -> None:
    read, _ = read_type(tmp_path, "R", "class Page(TypedDict):\n    x: int\nclass R(Pgae):\n    y: int")
    fault = read.one("PGF103")
    assert (read.text(fault.span), fault.help) == ("R", "did you mean 'Page'?")
    assert "it is a base of class R" in fault.notes[0]


@pytest.mark.parametrize(
    ("prelude", "message"),
    [
        ("class R(TypedDict, total=FLAG):\n    a: int", "total= is not statically known"),
        ("class R(TypedDict, extra_items=int):\n    a: int", "extra_items"),
        ("R = TypedDict('R', {'a': int}, total=1)", "total= is not statically known"),
    ],
)
def test_class_arguments_that_are_not_ignored(tmp_path: Path, prelude: str, message: str) -> None:
    read, _ = read_type(tmp_path, "R", prelude)
    assert message in read.one("PGF302").message


def test_keys_that_are_not_written_out(tmp_path: Path) -> None:
    read, _ = read_type(tmp_path, "R", "KEYS = {'a': int}\nR = TypedDict('R', KEYS)")
    assert "not written out" in read.one("PGF302").message


def test_field_and_record_places_and_docs(tmp_path: Path) -> None:
    read, _ = read_type(
        tmp_path, "R", 'class R(TypedDict):\n    """About R.\n\n    More.\n    """\n    key: int'
    )
    record = read.clean().record("R")
    assert record.doc == "About R.\n\nMore."
    assert read.text(record.span) == "R"
    assert read.text(record.fields[0].span) == "key"


def test_deep_chains_of_records(tmp_path: Path) -> None:
    chain = "\n".join(f"class R{n}(TypedDict):\n    next: 'R{n + 1}'" for n in range(600))
    read, _ = read_type(tmp_path, "R0", f"{chain}\nclass R600(TypedDict):\n    end: int")
    read.clean()
    assert len(read.analyzed.analysis.types.records) == 601


def test_a_class_that_inherits_from_itself(tmp_path: Path) -> None:
    read, _ = read_type(tmp_path, "A", "class A(B):\n    x: int\nclass B(A):\n    y: int")
    assert read.codes == ["PGF302"]
