"""Times in data, and steps that wait, in memory: as in the database."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pgflow_runtime.testing.engine.clock import TimedRun
from pgflow_runtime.testing.engine.plan import plan_of
from pgflow_runtime.testing.engine.stored import store
from pgflow_runtime.testing.engine.waits import instant
from tests.support.core import Core

OFFSETS = st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes)))
TIMES = st.datetimes(datetime(1, 1, 3), datetime(9999, 12, 29), timezones=OFFSETS)
ODD_TIMES = r"\d{4}-[0-3]\d-[0-4]\d[Tt ][0-2]\d:[0-6]\d:[0-6]\d(\.\d{1,9})?(Z|[+-][0-2]\d:[0-6]\d)"
TEXTS = st.one_of(
    TIMES.map(lambda time: time.isoformat()),
    TIMES.map(lambda time: time.astimezone(UTC).isoformat().replace("+00:00", "z").replace("T", "t")),
    TIMES.map(lambda time: time.replace(tzinfo=None).isoformat()),
    TIMES.map(lambda time: time.isoformat(timespec="minutes")),
    st.text(max_size=30),
    st.from_regex(ODD_TIMES, fullmatch=True),
).filter(lambda text: "\0" not in text)
NUMBERS = st.one_of(
    st.integers(-(10**12), 10**12), st.floats(allow_nan=False, allow_infinity=False), st.floats(0, 3e11)
)
VALUES: st.SearchStrategy[Any] = st.one_of(
    TEXTS, NUMBERS, st.sampled_from([None, True, [], {}, 0, 253402300799, 253402300800, ""])
)


@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=VALUES)
def test_a_time_is_what_the_core_takes_for_one(core: Core, value: Any) -> None:
    text = json.dumps(value)
    found = core.value("select extract(epoch from pgflow._instant(%s::jsonb))", text)
    mine = instant(store(text))
    assert (mine is None) == (found is None)
    assert mine is None or mine == pytest.approx(float(found), abs=1e-3)


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Kathmandu"])
@pytest.mark.parametrize("style", ["ISO, MDY", "German", "SQL, DMY"])
def test_a_time_is_the_same_whatever_the_session(core: Core, zone: str, style: str) -> None:
    for name, value in (("timezone", zone), ("datestyle", style), ("intervalstyle", "sql_standard")):
        core.value("select set_config(%s, %s, true)", name, value)
    query = """select extract(epoch from pgflow._instant('"2026-01-02T03:04:05.25+05:45"'))::float"""
    assert core.value(query) == datetime(2026, 1, 1, 21, 19, 5, 250_000, tzinfo=UTC).timestamp()


def run_of(value: Any, **steps: dict[str, Any]) -> TimedRun:
    """A run of steps that follow each other; ``kind`` says what they are."""
    slugs = list(steps)
    return TimedRun(
        plan_of(
            [
                {
                    "slug": slug,
                    "type": "single",
                    "dependencies": slugs[number - 1 : number] if number else [],
                    "kind": steps[slug].get("kind"),
                }
                for number, slug in enumerate(slugs)
            ],
            {"steps": steps},
            slugs,
        ),
        store(json.dumps(value)),
    )


def test_a_run_of_steps_that_wait_ends() -> None:
    run = run_of(
        None,
        nap={"kind": "sleep", "seconds": 60},
        answer={"kind": "signal", "deadline": 100},
        last={},
        never={"kind": "signal", "deadline": 100, "when_exhausted": "skip"},
    )
    assert (run.next_task(), run.next_time()) == (None, 60)
    assert run.send("answer", "early") == "kept"
    run.move_to(60)
    assert run.model.states["answer"].output == "early"
    assert run.next_task() == ("last", 0)
    run.start(("last", 0))
    run.complete(("last", 0), None)
    assert run.next_time() == pytest.approx(160)
    run.move_to(161)
    assert (run.model.status, run.model.states["never"].reason) == ("completed", "timed_out")
    assert run.next_time() is None


def test_a_sleep_until_a_time_of_the_input() -> None:
    soon = (datetime.now(UTC) + timedelta(seconds=500)).isoformat()
    run = run_of({"due": soon}, nap={"kind": "sleep", "until": ["flow_input", "due"]}, last={})
    assert run.next_time() == pytest.approx(500, abs=5)
    run.move_to(501)
    assert run.next_task() == ("last", 0)


def test_a_retried_sleep_is_over_when_it_would_have_been() -> None:
    run = run_of(None, nap={"kind": "sleep", "seconds": 60})
    run.move_to(20)
    run.cancel(None)
    assert run.next_time() is None
    run.move_to(50)
    run.retry()
    assert run.next_time() == pytest.approx(60)


def test_a_retried_signal_has_its_deadline_afresh() -> None:
    run = run_of(None, answer={"kind": "signal", "deadline": 60})
    run.move_to(60)
    assert (run.model.status, run.model.error) == ("failed", "timed out after 60 s")
    run.retry()
    assert run.next_time() == pytest.approx(120)
    assert run.send("answer", "yes") == "taken"
    assert run.model.status == "completed"


def test_nobody_answers_a_signal_without_deadline() -> None:
    assert run_of(None, answer={"kind": "signal"}).next_time() is None
