"""The compiler's dataclass: what the standard one says, equality, hash and text say here too."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from dataclasses import field, replace
from pathlib import Path
from typing import Any

import pgflow_gen
from pgflow_gen.light_dataclass import dataclass as light


def _classes(dataclass: Callable[..., Any]) -> list[Any]:
    @dataclass(frozen=True, slots=True)
    class Value:
        a: int
        b: str = "b"
        place: int = field(default=0, compare=False, repr=False)

    @dataclass(frozen=True, slots=True)
    class Single:
        a: float

    @dataclass(frozen=True, slots=True)
    class Nothing:
        pass

    @dataclass(slots=True)
    class Open:
        a: list[int] = field(default_factory=list)

    @dataclass(frozen=True, slots=True, eq=False)
    class Itself:
        a: int = 1

    @dataclass(frozen=True)
    class Own:
        a: int

        def __eq__(self, other: object) -> bool:
            return isinstance(other, Own)

        def __hash__(self) -> int:
            return 7

        def __repr__(self) -> str:
            return "own"

    @dataclass(frozen=True)
    class Child(Value):
        c: int = 3

    nan = float("nan")
    return [
        *(Value(1), Value(1, place=5), Value(2), Value(1, "c"), replace(Value(2), a=1)),
        *(Single(1), Single(2.0), Single(nan), Single(nan), Nothing(), Nothing(), Open(), Open(), Open([1])),
        *(Itself(), Itself(), Own(1), Own(2), Child(1), Child(1, c=4)),
    ]


def _hash(value: object) -> int | None:
    try:
        return hash(value)
    except TypeError:
        return None


def test_it_compares_and_reads_like_the_standard_one() -> None:
    ours, theirs = _classes(light), _classes(dataclasses.dataclass)
    assert [[a == b for b in ours] for a in ours] == [[a == b for b in theirs] for a in theirs]
    assert list(map(repr, ours)) == list(map(repr, theirs))
    assert [a == "else" for a in ours] == [a == "else" for a in theirs]


def test_what_the_standard_one_can_hash_it_can_and_equal_values_alike() -> None:
    ours, theirs = _classes(light), _classes(dataclasses.dataclass)
    assert [_hash(a) is None for a in ours] == [_hash(a) is None for a in theirs]
    assert all(_hash(a) == _hash(b) for a in ours for b in ours if a == b)


def test_the_compiler_defines_its_classes_with_it() -> None:
    compiler = Path(pgflow_gen.__file__).parent
    imported = "^from dataclasses import .*\\bdataclass\\b"
    others = [
        path.name for path in compiler.rglob("*.py") if re.search(imported, path.read_text(), re.MULTILINE)
    ]
    assert others == []
