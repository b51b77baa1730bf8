"""Proofs of records that refer to each other a lot: mypy would go round in them for minutes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pgflow_gen.config import Config
from pgflow_gen.diagnostics import Findings
from pgflow_gen.incremental.analysis import analyze
from pgflow_gen.ir.flow import Analysis
from pgflow_gen.ir.types import INT, STR, TypeKey, TypeTable
from pgflow_gen.render import render
from pgflow_gen.render.wiring.proofs import comparisons
from pgflow_gen.verify import verify

WILD = """\
from typing import Generic, NotRequired, TypedDict, TypeVar

from pgflow_runtime import Flow

A = TypeVar("A")
B = TypeVar("B")


class Leaf(TypedDict, Generic[A]):
    pair: "NotRequired[Pair[int, A]]"
    own: NotRequired[A]
    leaf: "NotRequired[Leaf[A]]"
    other: list[A] | str | int


class Both(TypedDict, Generic[A, B]):
    leaf: NotRequired[Leaf[str]]
    texts: "list[str | Pair[B, B]]"
    either: "Leaf[B] | Pair[B, A]"
    pair: "Pair[A, int]"


class Pair(TypedDict, Generic[A, B]):
    both: Both[B, str]
    more: "Pair[B, B] | B | A"


class Small(TypedDict):
    leaf: int


wild = Flow[Small]("wild")


@wild.step
def first() -> Both[list[bool], int]:
    raise NotImplementedError


@wild.step
def second(first: Both[list[bool], int]) -> Pair[int, int]:
    raise NotImplementedError
"""


@pytest.fixture
def wild(tmp_path: Path) -> Analysis:
    (tmp_path / "flows").mkdir()
    (tmp_path / "flows/wild.py").write_text(WILD)
    findings = Findings()
    analysis = analyze(Config(tmp_path.resolve()), findings).analysis
    assert not list(findings)
    return analysis


def _judge(analysis: Analysis, root: Path) -> list[str]:
    findings, config = Findings(), Config(root.resolve())
    verify(analysis, render(analysis, config), config, findings)
    return [item.message for item in findings]


def test_they_are_proved_field_by_field(wild: Analysis, tmp_path: Path) -> None:
    [wiring] = [
        file.content.decode() for file in render(wild, Config(tmp_path)).files if file.path == "_typecheck.py"
    ]
    assert 'TypedDict("_wild_' in wiring
    assert "__wild.Small" in wiring, "an ordinary record is compared with the one that the client has"
    assert _judge(wild, tmp_path) == []


def test_a_field_that_mypy_reads_otherwise_is_told(wild: Analysis, tmp_path: Path) -> None:
    """``own`` of ``Leaf[str]`` taken for an int: exactly that record is wrong."""
    key = TypeKey("flows.wild", "Leaf", (STR,))
    record = wild.types.records[key]
    fields = tuple(replace(item, type=INT) if item.key == "own" else item for item in record.fields)
    types = TypeTable({**wild.types.records, key: replace(record, fields=fields)}, wild.types.aliases)
    told = _judge(replace(wild, types=types, own_types=None), tmp_path)
    assert told == ["mypy reads the type Leaf[str] in another way than pgflow-gen"]


def test_how_much_there_is_to_compare(wild: Analysis) -> None:
    assert comparisons(TypeKey("flows.wild", "Small"), wild.types) == 1
    assert comparisons(TypeKey("flows.wild", "Pair", (INT, INT)), wild.types) > 2_000
