"""Plans and clocks of the engine: delays as the core computes them, and an order that follows from times."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pgflow_runtime.testing.engine.clock import TimedRun
from pgflow_runtime.testing.engine.plan import StepTimes, plan_of
from tests.support.core import Core


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    backoff=st.sampled_from(["fixed", "exponential"]),
    base_delay=st.integers(1, 31_536_000),
    max_delay=st.one_of(st.none(), st.integers(1, 31_536_000)),
    attempts=st.integers(1, 1_000),
)
def test_delays_are_the_cores(
    core: Core, backoff: str, base_delay: int, max_delay: int | None, attempts: int
) -> None:
    times = StepTimes(60, 0, backoff, base_delay, max_delay)
    found = core.value("select pgflow._retry_delay(%s, %s, %s, %s)", backoff, base_delay, max_delay, attempts)
    assert times.retry_delay(attempts) == found


def single(slug: str, *dependencies: str) -> dict[str, Any]:
    return {"slug": slug, "type": "single", "dependencies": dependencies}


def test_a_plan_has_the_flows_options_where_a_step_says_nothing() -> None:
    plan = plan_of(
        [single("late", "early"), single("early")],
        {"timeout": 9, "run_timeout": 50, "steps": {"early": {"timeout": 5, "if": {"a": 1}}, "late": {}}},
        ["late", "early"],
    )
    assert [step.slug for step in plan.steps] == ["early", "late"]
    assert (plan.times["early"].timeout, plan.times["late"].timeout, plan.run_timeout) == (5, 9, 50)
    assert [step.max_attempts for step in plan.steps] == [3, 3]
    assert plan.steps[0].required == ({"a": 1},)
    assert plan.times["late"] == StepTimes(9, 0, "exponential", 5, None)


@pytest.fixture
def two() -> TimedRun:
    """Two steps side by side, the first of which begins after 5 seconds."""
    settings = {"base_delay": 20, "run_timeout": 100, "steps": {"a": {"start_delay": 5}, "b": {}}}
    return TimedRun(plan_of([single("a"), single("b")], settings, ["a", "b"]), None)


def test_what_is_due_first_comes_first(two: TimedRun) -> None:
    assert two.next_task() == ("b", 0)
    two.start(("b", 0))
    two.fail(("b", 0), "boom")
    assert (two.next_task(), two.next_time()) == (None, 5)
    two.move_to(5)
    assert two.next_task() == ("a", 0)
    two.start(("a", 0))
    two.complete(("a", 0), None)
    assert two.next_time() == 40
    two.move_to(40)
    assert two.next_task() == ("b", 0)


def test_a_jump_beyond_the_runs_time_ends_it_on_the_way(two: TimedRun) -> None:
    two.start(("b", 0))
    two.fail(("b", 0), "boom")
    two.move_to(500)
    assert (two.now, two.model.status, two.model.error) == (500, "failed", "timed out after 100 s")
    assert two.next_time() is None
    assert two.retry()
    assert two.next_time() == 500
