"""Schedules: literals, and marks for the date and time of a fire wherever they stand."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.analysis import Read, read_flow, read_project

HEAD = """
import pgflow_runtime as rt
from dataclasses import dataclass
from pgflow_runtime import FIRE_DATE, FIRE_TIME as NOW, Flow
from pgflow_runtime import JsonValue

@dataclass
class Page:
    number: int
    at: str

flow = Flow[JsonValue]("flow")
PAGES = [{"at": NOW}]
SLUG = "daily"

@flow.step
def first() -> str: ...

"""


def read(root: Path, code: str) -> Read:
    return read_flow(root, HEAD + code)


@pytest.mark.parametrize(
    ("written", "value", "dates", "times"),
    [
        ("None", None, (), ()),
        ("3", 3, (), ()),
        ("FIRE_DATE", None, ((),), ()),
        ("rt.FIRE_TIME", None, (), ((),)),
        ("{'a': FIRE_DATE, 'b': [1, NOW, {'c': NOW}]}", {"a": None, "b": [1, None, {"c": None}]},
         (("a",),), (("b", "1"), ("b", "2", "c"))),
        ("{'pages': PAGES}", {"pages": [{"at": None}]}, (), (("pages", "0", "at"),)),
        ("Page(number=-1, at=FIRE_DATE)", {"number": -1, "at": None}, (("at",),), ()),
        ("[Page(number=2 * 3, at='x')]", [{"number": 6, "at": "x"}], (), ()),
    ],
)  # fmt: skip
def test_an_input_is_read_with_its_marks(
    tmp_path: Path, written: str, value: object, dates: object, times: object
) -> None:
    found = read(tmp_path, f"flow.schedule('daily', every=60, input={written})").clean()
    (schedule,) = found.flow.schedules
    assert (schedule.input, schedule.dates, schedule.times) == (value, dates, times)
    assert found.text(schedule.input_span) == written


def test_a_schedule_may_have_a_name_or_none(tmp_path: Path) -> None:
    code = "daily = flow.schedule(SLUG, cron='@daily', input=1)\nflow.schedule('hourly', every=3600, input=2)"
    found = read(tmp_path, code).clean()
    assert [(item.slug, item.option("cron"), item.option("every")) for item in found.flow.schedules] == [
        ("daily", "@daily", None),
        ("hourly", None, 3600),
    ]


def test_schedules_of_other_modules_belong_to_their_flow(tmp_path: Path) -> None:
    files = {
        "flows/base.py": f"{HEAD}",
        "flows/times.py": "from flows.base import flow\nflow.schedule('x', every=60, input=None)\n",
    }
    (flow,) = read_project(tmp_path, files).clean().flows
    assert flow.modules == ("flows.base", "flows.times")
    assert [(item.slug, item.module) for item in flow.schedules] == [("x", "flows.times")]


@pytest.mark.parametrize(
    ("code", "said", "about"),
    [
        ("flow.schedule('x', every=60)", "PGF226", "flow.schedule('x', every=60)"),
        ("flow.schedule('x', every=60, input=str(1))", "PGF104", "input=str(1)"),
        ("flow.schedule('x', every=60, input=Page(1, '2'))", "PGF104", "input=Page(1, '2')"),
        ("flow.schedule('x', every=60, input=[*PAGES])", "PGF104", "input=[*PAGES]"),
        ("flow.schedule('x', every=int('6'), input=1)", "PGF104", "every=int('6')"),
        ("flow.schedule('x', ever=60, every=60, input=1)", "PGF208", "ever"),
        ("flow.schedule('x', 60, input=1)", "PGF208", "60"),
        ("flow.schedule('a b', every=60, input=1)", "PGF201", "'a b'"),
        ("flow.schedule(every=60, input=1)", "PGF104", "flow.schedule(every=60, input=1)"),
        ("def f() -> None:\n    flow.schedule('x', every=60, input=1)", "PGF211",
         "flow.schedule('x', every=60, input=1)"),
        ("for SLUG in 'ab':\n    flow.schedule(SLUG, every=60, input=1)", "PGF211",
         "flow.schedule(SLUG, every=60, input=1)"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_told_at_its_place(tmp_path: Path, code: str, said: str, about: str) -> None:
    found = read(tmp_path, code)
    finding = next(item for item in found.findings if item.code == said)
    assert found.text(finding.span) == about


CLASSES = """
from dataclasses import dataclass, field
from enum import Enum
from typing import Annotated, Literal, NotRequired, TypedDict
from pgflow_runtime import FIRE_DATE, Default, Flow

class Size(Enum):
    SMALL = "s"

@dataclass
class Page:
    kind: Literal["page"]
    lines: int = 40

@dataclass
class Sheet:
    kind: Literal["sheet"]
    size: Size = Size.SMALL
    tags: list[str] = field(default_factory=list)

class Note(TypedDict):
    text: str
    weight: NotRequired[Annotated[float, Default(1.0)]]

@dataclass
class Report:
    day: str
    parts: list[Page | Sheet] = field(default_factory=list)
    notes: dict[str, Note] = field(default_factory=dict)
    country: str = "DE"

flow = Flow[Report]("flow")

@flow.step
def first(flow_input: Report) -> str: ...

"""


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("Report(day=FIRE_DATE)", {"day": None, "parts": [], "notes": {}, "country": "DE"}),
        (
            "{'day': '1', 'country': 'FR', 'notes': {'a': {'text': 'x'}}, 'parts': []}",
            {"day": "1", "country": "FR", "notes": {"a": {"text": "x", "weight": 1.0}}, "parts": []},
        ),
        (
            "Report(day='1', parts=[Page(kind='page'), Sheet(kind='sheet'),"
            " {'kind': 'sheet', 'tags': ['a']}])",
            {
                "day": "1",
                "parts": [
                    {"kind": "page", "lines": 40},
                    {"kind": "sheet", "size": "s", "tags": []},
                    {"kind": "sheet", "size": "s", "tags": ["a"]},
                ],
                "notes": {},
                "country": "DE",
            },
        ),
    ],
)
def test_keys_that_are_left_out_stand_in_the_input_with_their_defaults(
    tmp_path: Path, written: str, value: object
) -> None:
    """As when a client starts the run: conditions look at what is stored."""
    found = read_flow(tmp_path, f"{CLASSES}flow.schedule('daily', every=60, input={written})").clean()
    assert found.flow.schedules[0].input == value
