"""Signals and sleeps: found under any spelling, read with what they name, refused where they cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.analysis import Read, read_flow, read_project

HEAD = """
import pgflow_runtime as rt
from typing import NotRequired, TypedDict
from pgflow_runtime import Flow, Signal, Signal as Sig, Sleep

class In(TypedDict):
    id: str

class Payload(TypedDict):
    ok: bool

flow = Flow[In]("flow")
SLUG = "answer"
DAY = 86_400

@flow.step
def first(flow_input: In) -> str: ...

"""


def read(root: Path, code: str) -> Read:
    return read_flow(root, HEAD + code)


@pytest.mark.parametrize(
    "code",
    [
        'answer = Signal[Payload](flow, "answer")',
        'answer = Sig[Payload](flow, "answer")',
        'answer = rt.Signal[Payload](flow, "answer")',
        'answer: Signal[Payload] = Signal(flow, "answer")',
        'answer = Signal["Payload"](flow, "answer")',
        "answer = Signal[Payload](flow, SLUG)",
        'answer = Signal[Payload](flow=flow, slug="answer")',
        'answer = Signal[Payload](flow, slug="answer")',
        'Answers = Signal[Payload]\nanswer = Answers(flow, "answer")',
    ],
)
def test_a_signal_is_found_under_any_spelling(tmp_path: Path, code: str) -> None:
    step = read(tmp_path, code).clean().step("answer")
    assert (step.kind, step.function, step.module, str(step.returns)) == (
        "signal",
        "answer",
        "flows.crawl",
        "Payload",
    )
    assert (step.params, step.is_async, step.doc) == ((), False, None)


def test_options_and_the_steps_they_name(tmp_path: Path) -> None:
    code = """
answer = Signal[int](
    flow, "answer", deadline=2 * DAY, key="flow_input.id", depends_on=["first"], if_ran=[first],
    when_exhausted="skip",
)
pause = Sleep(flow, "pause", seconds=DAY, depends_on=[answer], if_skipped=[answer])
"""
    found = read(tmp_path, code).clean()
    answer, pause = found.step("answer"), found.step("pause")
    assert {option.name: option.value for option in answer.options} == {
        "deadline": 172_800,
        "key": "flow_input.id",
        "when_exhausted": "skip",
    }
    assert [name.slug for name in (*answer.depends_on, *answer.if_ran)] == ["first", "first"]
    assert [(name.slug, name.flow) for name in pause.if_skipped] == [("answer", found.flow.key)]
    assert str(pause.returns) == "None"


def test_steps_keep_the_order_of_the_module(tmp_path: Path) -> None:
    code = """
a = Sleep(flow, "a", seconds=1)
@flow.step
def b(a: None) -> int: ...
c = Signal[int](flow, "c")
"""
    assert [step.slug for step in read(tmp_path, code).clean().flow.steps] == ["first", "a", "b", "c"]


def test_a_sleep_depends_on_the_step_that_its_path_begins_with(tmp_path: Path) -> None:
    found = read(
        tmp_path, 'a = Sleep(flow, "a", until="first.due")\nb = Sleep(flow, "b", until="flow_input.id")'
    )
    types = found.analyzed.analysis.types
    assert found.step("a").dependencies(types) == ("first",)
    assert found.step("b").dependencies(types) == ()


def test_a_signal_of_another_module_is_named_by_object(tmp_path: Path) -> None:
    files = {
        "flows/base.py": 'from pgflow_runtime import Flow\nflow = Flow[str]("flow")\n',
        "flows/waits.py": """
from flows.base import flow
from pgflow_runtime import Signal
answer = Signal[int](flow, "answer")
""",
        "flows/steps.py": """
from flows import waits
from flows.base import flow
from flows.waits import answer
@flow.step(depends_on=[waits.answer])
def ship() -> int: ...
@flow.step(depends_on=[answer])
def ship_too(answer: int) -> int: ...
""",
    }
    found = read_project(tmp_path, files).clean()
    (flow,) = found.flows
    assert [(step.slug, step.module) for step in flow.steps] == [
        ("ship", "flows.steps"),
        ("ship_too", "flows.steps"),
        ("answer", "flows.waits"),
    ]
    assert [name.slug for name in found.step("ship").depends_on] == ["answer"]


@pytest.mark.parametrize(
    ("code", "said", "about"),
    [
        ('answer = Signal(flow, "answer")', "PGF301", "Signal"),
        ("answer = Signal[int](flow)", "PGF104", "Signal[int](flow)"),
        ("answer = Signal[int](flow, f'{SLUG}')", "PGF104", "f'{SLUG}'"),
        ('answer = Signal[int](flow, "answer", 60)', "PGF208", "60"),
        ('answer = Signal[int](flow, "answer", timeout=60)', "PGF208", "timeout"),
        ('answer = Signal[int](flow, "answer", depends_on=first)', "PGF207", "depends_on=first"),
        ('answer = Signal[int](flow, "answer", depends_on=[SLUG, second])', "PGF203", "second"),
        ('answer = Signal[complex](flow, "answer")', "PGF302", "complex"),
        ('answer = Signal[int](flow, "an swer")', "PGF201", '"an swer"'),
        ('answer = Signal[int](first, "answer")', "PGF220", "first"),
        ('answers = [Signal[int](flow, "answer")]', "PGF211", 'Signal[int](flow, "answer")'),
        ('def f() -> None:\n    answer = Signal[int](flow, "answer")', "PGF211", "answer"),
        ('if DAY:\n    answer = Signal[int](flow, "answer")', "PGF211", "answer"),
        ('print(Sleep(flow, "answer", seconds=3))', "PGF211", 'Sleep(flow, "answer", seconds=3)'),
        ("answer = Sleep(flow, 'answer', seconds=float(3))", "PGF104", "seconds=float(3)"),
    ],
)
def test_what_cannot_be_read_is_told_at_its_place(tmp_path: Path, code: str, said: str, about: str) -> None:
    found = read(tmp_path, code)
    finding = next(item for item in found.findings if item.code == said)
    assert found.text(finding.span) == about
