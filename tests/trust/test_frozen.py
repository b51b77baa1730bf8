"""A worker freezes at a statement, as a stopped process or a paused machine does.

The others go on, and nothing is lost or done twice when it comes back.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from random import Random

import pytest
from psycopg.conninfo import make_conninfo

from tests.support.crew import crew
from tests.support.own_server import OwnServer
from tests.support.proxy import Freeze, Proxy, proxy
from tests.support.soak import Soak
from tests.support.wait import eventually
from tests.support.worker_lab import Lab, WorkerProcess

STATEMENTS = (
    b"register_worker",
    b"claim_tasks",
    b"complete_tasks",
    b"fail_tasks",
    b"heartbeat_workers",
    b"announce_idle",
    b"recover_stalled_tasks",
)
SHORT = 2
"""Rounds of the short form; the long one goes through all statements again and again."""


@contextmanager
def _through_a_proxy(server: OwnServer, lab: Lab, random: Random) -> Iterator[tuple[Proxy, Lab]]:
    with proxy(server.data / ".s.PGSQL.5432", random) as net:
        dsn = make_conninfo(lab.dsn, host="127.0.0.1", port=str(net.port))
        yield net, Lab(lab.project, dsn, lab.folder, lab.module)


def _freeze(net: Proxy, workers: list[WorkerProcess], at: bytes, is_passed: bool, of: bytes = b"") -> Freeze:
    """Stop the process in ``workers`` when it sends a statement."""
    found = Freeze(of or at, at, is_passed, lambda: workers[0].signal(signal.SIGSTOP))
    net.freeze = found
    return found


def test_a_worker_freezes_at_any_statement(
    own_postgres: OwnServer,
    own_lab: Lab,
    trust_seconds: float,
    trust_random: Random,
    trust_report: Callable[..., None],
) -> None:
    soak = Soak(own_lab, trust_random)
    rounds = 0
    todo: list[tuple[bytes, bool]] = []
    deadline = time.monotonic() + trust_seconds
    with (
        _through_a_proxy(own_postgres, own_lab, trust_random) as (net, through),
        crew(own_lab, 1, "soak", "slow", max_concurrent="12", batch_size="6") as others,
    ):
        while rounds < SHORT or time.monotonic() < deadline:
            if not todo:
                todo = [(at, is_passed) for at in STATEMENTS for is_passed in (False, True)]
                trust_random.shuffle(todo)
            at, is_passed = todo.pop()
            name = f"frozen-{rounds}"
            workers: list[WorkerProcess] = []
            freeze = _freeze(net, workers, at, is_passed)
            options = {"name": name, "max_concurrent": "12", "batch_size": "6"}
            workers.append(WorkerProcess.launch(through, ["soak"], options))
            eventually(partial(_struck, freeze, soak))
            soak.start(10)
            after = own_lab.start("slow", {"folder": str(own_lab.folder), "name": f"after-{rounds}"})
            own_lab.let_go(f"after-{rounds}.go")
            assert own_lab.completed(after, timeout=60) == {"linger": 1}, (at, is_passed)
            others.silence(name)  # its silence counts as half a minute
            soak_ended = partial(soak.until_ended, timeout=120)
            soak_ended()
            freeze.thaw()
            workers[0].signal(signal.SIGCONT)
            workers[0].until_serving()
            soak.start(5)
            soak_ended()
            assert workers[0].stop() == 0, (at, is_passed)
            rounds += 1
        others.stop()
    soak.check()
    trust_report(rounds=rounds, runs=len(soak.orders))


def _struck(freeze: Freeze, soak: Soak) -> bool:
    """Whether the worker has frozen; there is always work until then."""
    if not freeze.frozen.is_set() and soak.open() < 5:
        soak.start(10)
    return freeze.frozen.is_set()


@pytest.mark.parametrize("is_passed", [False, True])
def test_a_worker_freezes_before_its_commit(
    own_postgres: OwnServer, own_lab: Lab, trust_random: Random, is_passed: bool
) -> None:
    """The server ends what holds the run, and another worker's result of that run is stored."""
    note = f"frozen {is_passed}"
    order = {"folder": str(own_lab.folder), "note": note}
    with _through_a_proxy(own_postgres, own_lab, trust_random) as (net, through):
        workers: list[WorkerProcess] = []
        freeze = _freeze(net, workers, b"COMMIT", is_passed, of=note.encode())
        workers.append(WorkerProcess.launch(through, ["pair"], {"name": "frozen", "max_concurrent": "1"}))
        with crew(own_lab, 0, "pair", "slow") as others:
            workers[0].until_serving()
            run = own_lab.start("pair", order)
            eventually(freeze.frozen.is_set)
            others.hire()
            others.until_serving()
            own_lab.begun(f"{note}.beside")
            own_lab.let_go(f"{note}.go")
            after = own_lab.start("slow", {"folder": str(own_lab.folder), "name": f"after-{is_passed}"})
            own_lab.let_go(f"after-{is_passed}.go")
            assert own_lab.completed(after, timeout=60) == {"linger": 1}
            statuses = "select status from pgflow.step_tasks where run_id = %s and step_slug = 'beside'"
            eventually(lambda: own_lab.sql(statuses, run) == [{"status": "completed"}], timeout=60)
            others.silence("frozen")
            assert own_lab.completed(run, timeout=60) == {"a_write": note, "beside": note}
            freeze.thaw()
            workers[0].signal(signal.SIGCONT)
            assert workers[0].stop() == 0
            others.stop()
    written = own_lab.sql("select count(*) as n from public.ledger where note = %s", note)
    assert written == [{"n": 1}]
    assert own_lab.sql("select * from trust.faults") == []
