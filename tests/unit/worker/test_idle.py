"""When an idle worker looks and announces; the clock is the test's own."""

from __future__ import annotations

import pytest

from pgflow_runtime import WorkerConfig
from pgflow_runtime.worker.dispatch import idle as module
from pgflow_runtime.worker.dispatch.idle import SETTLE, SLOWEST_POLL, SOON, Idle


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    return clock


def _idle(*, listening: bool = True) -> Idle:
    idle = Idle(WorkerConfig(max_poll_seconds=2, poll_interval_ms=100))
    idle.is_listening = listening
    return idle


def _announced(idle: Idle, visible_in: float | None = None) -> None:
    idle.begin_announcement()
    idle.announced(visible_in)


def test_the_first_thing_is_a_look(clock: Clock) -> None:
    idle = _idle()
    assert idle.may_look()
    assert not idle.may_announce()


def test_after_announcing_it_looks_at_once_and_soon_again_and_then_waits_long(clock: Clock) -> None:
    idle = _idle()
    idle.begin_look()
    assert idle.may_announce()
    _announced(idle)
    assert idle.may_look()
    idle.begin_look()
    assert not idle.may_look()
    assert idle.seconds_to_wait(quiet=True) == pytest.approx(SOON)
    clock.now += SOON
    assert idle.may_look()
    idle.begin_look()
    assert not idle.may_look()
    assert not idle.may_announce()
    assert idle.seconds_to_wait(quiet=True) == pytest.approx(2)


def test_a_busy_worker_does_not_announce(clock: Clock) -> None:
    idle = _idle()
    idle.note_activity()
    idle.begin_look()
    assert not idle.may_announce()
    assert idle.seconds_to_wait(quiet=True) == pytest.approx(SETTLE)
    clock.now += SETTLE
    assert idle.may_announce()


def test_a_notification_during_a_look_is_not_lost(clock: Clock) -> None:
    idle = _idle()
    idle.begin_look()
    idle.want_look()
    assert idle.may_look()


def test_the_next_visible_message_ends_the_wait(clock: Clock) -> None:
    idle = _idle()
    idle.begin_look()
    _announced(idle, 0.5)
    idle.begin_look()
    clock.now += SOON
    idle.begin_look()
    assert idle.seconds_to_wait(quiet=True) == pytest.approx(0.5 - SOON)
    clock.now += 0.5 - SOON
    assert idle.may_look()
    idle.begin_look()
    assert idle.may_announce(), "what becomes visible next is unknown again"


def test_a_message_visible_now_is_looked_for_at_once(clock: Clock) -> None:
    idle = _idle()
    idle.begin_look()
    _announced(idle)
    idle.begin_look()
    idle.note_activity()
    clock.now += SETTLE
    _announced(idle, 0)
    assert idle.may_look()


def test_a_renewed_announcement_needs_no_look(clock: Clock) -> None:
    idle = _idle()
    idle.begin_look()
    _announced(idle)
    idle.begin_look()
    idle.note_activity()
    clock.now += SETTLE
    assert idle.may_announce()
    _announced(idle)
    assert not idle.may_look()


def test_what_happens_while_announcing_asks_for_another_announcement(clock: Clock) -> None:
    idle = _idle()
    idle.begin_look()
    idle.begin_announcement()
    idle.note_activity()
    idle.announced(None)
    idle.begin_look()
    clock.now += SETTLE
    assert idle.may_announce()


def test_a_retry_of_ours_is_looked_for_in_time(clock: Clock) -> None:
    idle = _idle()
    idle.begin_look()
    _announced(idle)
    idle.begin_look()
    clock.now += SOON
    idle.begin_look()
    idle.note_visible_in(1)
    assert idle.seconds_to_wait(quiet=False) == pytest.approx(1)


def test_the_announcement_is_renewed_before_it_ends(clock: Clock) -> None:
    idle = _idle()
    idle.begin_look()
    _announced(idle)
    idle.begin_look()
    clock.now += idle.lease_seconds - 2
    assert idle.may_announce()


def test_without_notifications_it_polls_and_never_announces(clock: Clock) -> None:
    idle = _idle(listening=False)
    idle.begin_look()
    clock.now += 1
    assert not idle.may_announce()
    assert idle.may_look()
    idle.begin_look()
    assert idle.seconds_to_wait(quiet=True) == pytest.approx(0.1)


def _pause(idle: Idle) -> float:
    idle.begin_look()
    return idle.seconds_to_wait(quiet=True)


def test_without_notifications_and_work_it_looks_less_often_until_there_is_work_again(clock: Clock) -> None:
    idle = _idle(listening=False)
    clock.now += 4
    assert _pause(idle) == pytest.approx(0.2)
    clock.now += 3600
    assert _pause(idle) == pytest.approx(SLOWEST_POLL)
    idle.note_activity()
    assert _pause(idle) == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("config", "pause"), [({"poll_interval_ms": 3000}, 3), ({"max_poll_seconds": 0.2}, 0.2)]
)
def test_a_slow_pace_that_was_asked_for_stays(clock: Clock, config: dict[str, float], pause: float) -> None:
    idle = Idle(WorkerConfig(**config))  # type: ignore[arg-type]
    clock.now += 3600
    assert _pause(idle) == pytest.approx(pause)


def test_a_call_under_way_puts_the_announcement_off(clock: Clock) -> None:
    idle = _idle()
    idle.begin_look()
    assert idle.seconds_to_wait(quiet=False) == pytest.approx(0.1)


def test_what_is_due_and_brings_nothing_is_not_looked_at_again_and_again(clock: Clock) -> None:
    """A timer is fired by somebody else, who may take a moment."""
    idle = _idle()
    idle.begin_look()
    _announced(idle, 0)
    assert idle.may_look()
    idle.begin_look()
    _announced(idle, 0)
    clock.now += SOON
    idle.begin_look()
    assert not idle.may_look()
    assert idle.seconds_to_wait(quiet=True) > 0
    idle.note_activity()
    clock.now += SETTLE
    _announced(idle, 0)
    assert idle.may_look()
