"""A transactional step loses its connection: no write is lost or made twice, and no attempt is counted."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random

from psycopg.conninfo import make_conninfo

from tests.support.core import Core, connect
from tests.support.crew import crew
from tests.support.invariants import assert_sound
from tests.support.own_server import OwnServer
from tests.support.proxy import Cut, Proxy, proxy
from tests.support.wait import eventually
from tests.support.worker_lab import Lab

LOST = "its connection was lost"
STEPS = ("debit", "credit")  # a sync handler and an async one
WRITE, COMPLETION, COMMIT = None, b"complete_tasks", b"COMMIT"
MOMENTS = [(at, is_answered) for at in (WRITE, COMPLETION, COMMIT) for is_answered in (False, True)]


@contextmanager
def _through_a_proxy(server: OwnServer, lab: Lab, random: Random) -> Iterator[tuple[Proxy, Lab]]:
    with proxy(server.data / ".s.PGSQL.5432", random) as net:
        dsn = make_conninfo(lab.dsn, host="127.0.0.1", port=str(net.port))
        yield net, Lab(lab.project, dsn, lab.folder, lab.module)


def _written(lab: Lab) -> list[str]:
    return sorted(str(row["note"]) for row in lab.sql("select note from public.ledger"))


def test_a_lost_connection_costs_no_attempt_at_any_moment(
    own_postgres: OwnServer, own_lab: Lab, trust_random: Random
) -> None:
    with (
        _through_a_proxy(own_postgres, own_lab, trust_random) as (net, through),
        crew(through, 1, "books") as workers,
    ):
        worker = workers.workers["crew-1"]
        wanted: list[str] = []
        for number, ((at, is_answered), step) in enumerate(itertools.product(MOMENTS, STEPS), 1):
            mark = f"{number} {step}".encode()
            net.cut = Cut(mark, at or mark, is_answered)
            run = own_lab.start("books", {"folder": str(own_lab.folder), "note": str(number)})
            assert own_lab.completed(run) == {"credit": str(number)}
            assert net.counts["cuts"] == number
            counts = [(task["attempts_count"], task["requeued_count"]) for task in own_lab.tasks(run)]
            assert counts == [(1, 0), (1, 0)], (mark, at, is_answered, worker.log)
            wanted += [f"{number} {name}" for name in STEPS]
            assert _written(own_lab) == sorted(wanted), (mark, at, is_answered)
            eventually(lambda number=number: worker.log.count(LOST) == number)  # type: ignore[misc]
        assert worker.log.count(f"given back: {LOST}") == 10
        assert worker.log.count(f"stored all the same, or gone to another attempt: {LOST}") == 2
        workers.stop()
        assert own_lab.sql("select * from trust.faults") == []


def test_connections_that_died_in_their_pool_are_not_handed_out(
    own_postgres: OwnServer, own_lab: Lab
) -> None:
    with crew(own_lab, 1, "books") as workers:
        for death in (own_postgres.kill_backend, own_postgres.stop_at_once):
            for note in ("before", "after"):
                run = own_lab.start("books", {"folder": str(own_lab.folder), "note": note})
                own_lab.completed(run)
                assert {task["attempts_count"] for task in own_lab.tasks(run)} == {1}
                if note == "before":
                    death()
                    if not own_postgres.is_running():
                        own_postgres.start()
        assert LOST not in workers.logs
        workers.stop()


def test_a_step_that_ends_its_own_connection_does_not_go_on_for_ever(own_lab: Lab) -> None:
    with crew(own_lab, 1, "suicidal") as workers:
        run = own_lab.start("suicidal", "off")
        assert own_lab.failed(run).startswith("AdminShutdown: terminating connection")
        assert workers.logs.count(f"given back: {LOST}") == 3
        assert own_lab.task(run)["attempts_count"] == 1
        assert _written(own_lab) == []
        workers.stop()


def test_writes_happen_exactly_once_through_a_bad_network(
    own_postgres: OwnServer,
    own_lab: Lab,
    trust_seconds: float,
    trust_random: Random,
    trust_report: Callable[..., None],
) -> None:
    total = 0
    with (
        _through_a_proxy(own_postgres, own_lab, trust_random) as (net, through),
        crew(through, 2, "books", max_concurrent="4") as workers,
    ):
        deadline = time.monotonic() + trust_seconds
        while total < 40 or time.monotonic() < deadline:
            net.trouble = trust_random.choice((0.0, 0.01, 0.03, 0.06))
            for _ in range(10):
                own_lab.start("books", {"folder": str(own_lab.folder), "note": str(total)})
                total += 1
            eventually(lambda: _open(own_lab) < 12, timeout=120)
        net.trouble = 0.0
        eventually(lambda: _open(own_lab) == 0, timeout=120)
        workers.stop()
        # also where giving back was answered only the second time: then it reads as gone
        losses = [line for line in workers.logs.splitlines() if LOST in line]
    assert losses
    assert _written(own_lab) == sorted(f"{number} {step}" for number in range(total) for step in STEPS)
    tasks = own_lab.sql("select * from pgflow.step_tasks where attempts_count <> 1 + requeued_count")
    for task in tasks:  # only who lost too many connections in a row
        place = f"run={task['run_id']} step={task['step_slug']}"
        assert sum(place in line for line in losses) >= 3, task
    assert own_lab.sql("select * from trust.faults") == []
    with connect(own_lab.dsn) as connection:
        assert_sound(Core(connection))
    trust_report(losses=len(losses), counted=len(tasks), runs=total)


def _open(lab: Lab) -> int:
    return int(lab.sql("select count(*) as n from pgflow.runs where status = 'started'")[0]["n"])
