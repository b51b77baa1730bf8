"""Conditions over classes, enums and times: what a pattern may hold."""

from __future__ import annotations

from pathlib import Path

import pytest

from pgflow_gen.config import Config
from pgflow_gen.pipeline import check
from tests.support.analysis import write_project

HEAD = """\
from datetime import date, datetime
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from typing import NamedTuple
from uuid import UUID
from dataclasses import dataclass
from pgflow_runtime import Flow
import flows.kinds as kinds
class Colour(Enum):
    RED = "red"
class Level(IntEnum):
    LOW = 1
class Span(NamedTuple):
    start: int
    unit: Colour = Colour.RED
DAY = date(2024, 1, 1)
@dataclass
class In:
    colour: Colour
    level: Level
    mode: kinds.Mode
    at: datetime
    day: date
    price: Decimal
    id: UUID
    span: Span
    pair: tuple[int, str]
flow = Flow[In]("flow")
"""
STEP = "@flow.step(if_={})\ndef one(flow_input: In) -> int:\n    return 1\n"


def told(tmp_path: Path, pattern: str) -> list[tuple[str, str]]:
    kinds = "from enum import StrEnum\nclass Mode(StrEnum):\n    FAST = 'fast'\n"
    write_project(tmp_path, {"flows/a.py": HEAD + STEP.replace("{}", pattern, 1), "flows/kinds.py": kinds})
    found = check(Config(tmp_path.resolve()), verify=False).diagnostics
    return [(item.code, item.message) for item in found]


@pytest.mark.parametrize(
    "pattern",
    [
        "{'colour': Colour.RED}",
        "{'colour': 'red', 'level': Level.LOW.value}",
        "{'level': 1, 'mode': kinds.Mode.FAST}",
        "[{'colour': Colour.RED}, {'mode': 'fast'}]",
        "{'day': '2024-01-01', 'id': '00000000-0000-0000-0000-000000000001'}",
        "{'span': [Colour.RED]}",
        "{'span': [5, 'red'], 'pair': ['x']}",
    ],
)
def test_members_of_enums_and_texts_that_are_on_the_wire_match(tmp_path: Path, pattern: str) -> None:
    assert told(tmp_path, pattern) == []


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("{'colour': Level.LOW}", "1 is no Colour"),
        ("{'level': kinds.Mode.FAST}", "'fast' is no Level"),
        ("{'at': datetime(2024, 1, 1)}", "holds a datetime"),
        ("{'day': DAY}", "holds a date"),
        ("{'price': Decimal('1')}", "holds a Decimal"),
        ("{'at': '2024-01-01T00:00:00+00:00'}", "one of several texts"),
        ("{'price': '1.50'}", "one of several texts"),
        ("{'day': '1. 1. 2024'}", "no date as it is stored"),
        ("{'id': 1}", "no UUID as it is stored"),
        ("{'span': {'start': 1}}", "is no tuple[int, Colour]"),
        ("{'pair': [True]}", "True is none of int | str"),
    ],
)
def test_what_can_never_match_is_a_310(tmp_path: Path, pattern: str, words: str) -> None:
    ((code, message),) = told(tmp_path, pattern)
    assert code == "PGF310"
    assert words in message
