"""Clients that watch runs are told that something changed."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID, uuid4

import pytest

from tests.support.batch import claim_one, complete, fail, register
from tests.support.core import Core
from tests.support.notifications import Listener, listening


@pytest.fixture(autouse=True)
def _flow(live: Core) -> None:
    live.flow("f", "a", "b < a", max_attempts=2, base_delay=0)


@pytest.fixture
def runs(live: Core) -> list[UUID]:
    return [live.start_flow("f", number).run_id for number in range(2)]


def channel(run_id: UUID) -> str:
    return f"pgflow_run_{run_id.hex}"


@pytest.fixture
def listener(live_dsn: str, runs: list[UUID]) -> Iterator[Listener]:
    with listening(live_dsn, *(channel(run_id) for run_id in runs)) as found:
        yield found


def watch(core: Core, *runs: UUID, seconds: int = 60) -> UUID:
    watcher = uuid4()
    core.run_sql("select pgflow.watch_runs(%s, %s, %s)", watcher, list(runs), seconds)
    return watcher


def test_only_watched_runs(live: Core, runs: list[UUID], listener: Listener) -> None:
    watch(live, runs[1])
    worker = register(live, "f")
    for _ in runs:
        complete(live, [claim_one(live, worker, "f")])
    assert listener.received() == [(channel(runs[1]), "")]


def test_every_change_until_the_end(live: Core, runs: list[UUID], listener: Listener) -> None:
    watch(live, *runs)
    worker = register(live, "f")
    first = claim_one(live, worker, "f")
    listener.received()
    assert first.run_id == runs[0]
    complete(live, [first])
    assert listener.received() == [(channel(runs[0]), "")]
    second = claim_one(live, worker, "f")
    listener.received()
    fail(live, [second], retryable=[False])
    assert listener.received() == [(channel(runs[1]), "")]
    complete(live, [claim_one(live, worker, "f")])
    assert live.run(runs[0]).status == "completed"
    assert (channel(runs[0]), "") in listener.received()


def test_one_notification_a_transaction(live: Core, runs: list[UUID], listener: Listener) -> None:
    watch(live, runs[0])
    watch(live, runs[0])
    worker = register(live, "f")
    with live.connection.transaction():
        task = claim_one(live, worker, "f")
        (child,) = complete(live, [task], hand_over=1)
        complete(live, [child])
    assert listener.received() == [(channel(runs[0]), "")]


def test_type_violations_and_skips(live: Core, live_dsn: str) -> None:
    live.create_flow("g", max_attempts=1)
    live.add_step("g", "a")
    live.add_step("g", "m", ["a"], step_type="map")
    live.create_flow("h", max_attempts=1)
    live.add_step("h", "a", [], when_exhausted="skip")
    violated, skipped = live.start_flow("g").run_id, live.start_flow("h").run_id
    watch(live, violated, skipped)
    with listening(live_dsn, channel(violated), channel(skipped)) as listener:
        complete(live, [claim_one(live, register(live, "g"), "g")], ["no array"])
        assert listener.received() == [(channel(violated), "")]
        fail(live, [claim_one(live, register(live, "h"), "h")])
        assert listener.received() == [(channel(skipped), "")]


def test_unwatching(live: Core, runs: list[UUID], listener: Listener) -> None:
    first, second = watch(live, *runs), watch(live, *runs)
    worker = register(live, "f")
    live.run_sql("select pgflow.unwatch_runs(%s, %s)", first, runs)
    complete(live, [claim_one(live, worker, "f")])
    assert listener.received() == [(channel(runs[0]), "")]
    live.run_sql("select pgflow.unwatch_runs(%s, %s)", second, runs[:1])
    complete(live, [claim_one(live, worker, "f")])
    assert listener.received() == [(channel(runs[1]), "")]
    complete(live, [claim_one(live, worker, "f")])
    assert listener.received() == []


def test_a_watch_that_ran_out(live: Core, runs: list[UUID], listener: Listener) -> None:
    watch(live, *runs, seconds=0)
    complete(live, [claim_one(live, register(live, "f"), "f")])
    assert listener.received() == []


def test_a_watch_is_prolonged(live: Core, runs: list[UUID], listener: Listener) -> None:
    watcher = watch(live, *runs, seconds=0)
    live.run_sql("select pgflow.watch_runs(%s, %s, 60)", watcher, runs)
    complete(live, [claim_one(live, register(live, "f"), "f")])
    assert listener.received() == [(channel(runs[0]), "")]


def test_runs_that_do_not_exist_yet_can_be_watched(live: Core, live_dsn: str) -> None:
    run_id = uuid4()
    watch(live, run_id)
    with listening(live_dsn, channel(run_id)) as listener:
        live.start_flow("f", 1, run_id)
        assert listener.received() == [(channel(run_id), "")]


def test_a_run_listed_twice(live: Core, runs: list[UUID], listener: Listener) -> None:
    watch(live, *runs, *runs)
    complete(live, [claim_one(live, register(live, "f"), "f")])
    assert listener.received() == [(channel(runs[0]), "")]
