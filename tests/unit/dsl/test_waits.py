"""Steps without a handler, loops and schedules, as a program that imports the flow's module has them."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

from pgflow_runtime import FIRE_DATE, Again, Failed, Flow, Signal, Sleep
from pgflow_runtime.dsl import DefinitionError, LoopStep, ValueMapStep, ValueStep, WaitingStep

order = Flow[dict[str, str]]("order")
approval = Signal[bool](order, "approval", deadline=60, key="flow_input.id")
pause = Sleep(order, "pause", seconds=3, depends_on=[approval])

signal: Any = Signal
sleep: Any = Sleep
"""To a type checker, what no program may write."""


def test_a_wait_is_a_step_of_its_flow() -> None:
    assert order.steps == {"approval": approval, "pause": pause}
    assert (approval.kind, approval.slug, approval.module, approval.function) == (
        "signal", "approval", __name__, "approval",
    )  # fmt: skip
    assert dict(approval.options) == {"deadline": 60, "key": "flow_input.id", "when_exhausted": "fail"}
    assert dict(pause.options) == {"seconds": 3, "depends_on": [approval]}
    assert not approval.is_async
    assert repr(pause) == f"<sleep 'pause' of flow 'order': {__name__}.pause>"


def test_a_wait_is_copied_and_pickled_by_name() -> None:
    assert copy.deepcopy(approval) is approval
    assert pickle.loads(pickle.dumps(approval)) is approval


def test_nobody_calls_a_wait() -> None:
    with pytest.raises(TypeError, match="no handler"):
        approval.handler()


def test_what_a_test_sends_tells_to_whom_and_when() -> None:
    sent = approval.sent(True, after=10)
    assert (sent.signal, sent.payload, sent.after) == (approval, True, 10)


@pytest.mark.parametrize(
    ("make", "kind", "says"),
    [
        (lambda flow: signal(flow, "a", dedline=3), TypeError, "did you mean 'deadline'"),
        (lambda flow: signal(flow, "a b"), DefinitionError, "cannot be the slug"),
        (lambda flow: signal(flow, "input"), DefinitionError, "means something else"),
        (lambda flow: signal(flow, 3), TypeError, "is a string"),
        (lambda flow: [signal(flow, "a"), sleep(flow, "a", seconds=3)], DefinitionError, "has a step 'a'"),
        (lambda flow: sleep(flow, "a"), DefinitionError, "one of seconds= and until="),
        (lambda flow: sleep(flow, "a", seconds=3, until="x"), DefinitionError, "one of seconds= and until="),
        (lambda flow: sleep(flow, "a", seconds=3, key="x"), TypeError, "no option 'key'"),
        (lambda flow: signal(flow, "a", depends_on="b"), TypeError, "a list of steps"),
        (lambda flow: signal(flow, "a", if_ran=[3]), TypeError, "if_ran= lists steps"),
        (lambda flow: flow.schedule("a", input="x"), DefinitionError, "one of cron= and every="),
        (lambda flow: flow.schedule("a b", every=3, input="x"), DefinitionError, "slug of a schedule"),
        (lambda flow: [flow.schedule("a", every=3, input="x") for _ in "12"], DefinitionError, "already"),
        (lambda flow: flow.loop(max_rounds=3, transactional=True), TypeError, "no option 'transactional'"),
    ],
)
def test_what_cannot_be_is_refused_at_import(make: Any, kind: type[Exception], says: str) -> None:
    with pytest.raises(kind, match=says):
        make(Flow[str]("other"))


def test_a_loop_is_called_as_it_is_written() -> None:
    flow = Flow[str]("loops")

    @flow.loop(max_rounds=3, every=30)
    def poll(flow_input: str, state: int | None = None) -> Again[int] | str:
        return Again((state or 0) + 1) if state != 2 else flow_input

    assert isinstance(poll, LoopStep)
    assert poll.kind == "loop"
    assert dict(poll.options) == {"max_rounds": 3, "every": 30, "when_exhausted": "fail"}
    again = poll("x")
    assert isinstance(again, Again)
    assert again.state == 1
    assert poll("x", state=2) == "x"


def test_failures_as_values_change_what_dependents_get_and_not_the_handler() -> None:
    flow = Flow[list[int]]("values")

    @flow.step(when_exhausted="value")
    def brittle(flow_input: list[int]) -> int:
        return len(flow_input)

    @flow.map(when_exhausted="value")
    def each(number: int) -> int:
        return number

    assert isinstance(brittle, ValueStep)
    assert isinstance(each, ValueMapStep)
    assert brittle([1]) == 1
    assert isinstance(Failed("e", "brittle", 0, 3), Failed)


def test_a_schedule_is_kept_with_its_flow() -> None:
    flow = Flow[dict[str, str]]("scheduled")
    nightly = flow.schedule("nightly", cron="0 2 * * *", input={"day": FIRE_DATE}, overlap="queue")
    assert flow.schedules == {"nightly": nightly}
    assert (nightly.overlap, nightly.catch_up, nightly.timezone, nightly.every) == (
        "queue",
        "latest",
        "UTC",
        None,
    )
    assert repr(nightly) == "<schedule 'nightly' of flow 'scheduled': 0 2 * * *>"


def test_waits_are_no_handlers() -> None:
    assert isinstance(approval, WaitingStep)
