"""The server dies under load, its connections do, or it has none left: all come back and lose nothing."""

from __future__ import annotations

import time
from collections.abc import Callable
from random import Random
from uuid import UUID

import psycopg
from psycopg.conninfo import make_conninfo

from tests.support.crew import crew
from tests.support.own_server import OwnServer
from tests.support.proxy import proxy
from tests.support.soak import Soak, check_events, expected
from tests.support.wait import eventually
from tests.support.watching import Watcher, watcher
from tests.support.worker_lab import Lab, WorkerProcess


def _send(soak: Soak, client: Watcher, count: int) -> None:
    """Have the client start runs; ids come from here, so that they are known whatever happens."""
    runs = [(str(UUID(int=soak.random.getrandbits(128), version=4)), soak.order()) for _ in range(count)]
    soak.adopt(iter(runs))
    client.start(runs)


def _finish(soak: Soak, client: Watcher) -> None:
    events, outcomes = client.finish(timeout=180)
    assert events.keys() == outcomes.keys() == soak.orders.keys()
    for run_id, order in soak.orders.items():
        check_events(order, events[run_id])
        wanted = expected(order)
        told = outcomes[run_id]
        assert told.get("output") == wanted, told
        if wanted is None:
            assert told["failed"] == "doomed", told


def test_the_server_is_killed_under_load(
    own_postgres: OwnServer,
    own_lab: Lab,
    trust_seconds: float,
    trust_random: Random,
    trust_report: Callable[..., None],
) -> None:
    soak = Soak(own_lab, trust_random)
    ways = [own_postgres.stop_at_once, own_postgres.kill, own_postgres.kill_backend]
    deaths = 0
    with crew(own_lab, 2, "soak", max_concurrent="12", batch_size="6") as workers, watcher(own_lab) as client:
        deadline = time.monotonic() + trust_seconds
        while deaths < len(ways) or time.monotonic() < deadline:
            if not trust_seconds or soak.open() < 40:
                _send(soak, client, 12)
            # at work, and the client as well: it starts its first run as soon as it has imported itself
            eventually(lambda: soak.attempts())
            time.sleep(trust_random.uniform(0.1, 0.8))
            kill = ways[deaths % len(ways)]
            kill()
            deaths += 1
            if kill != own_postgres.kill_backend:
                time.sleep(trust_random.uniform(0.0, 1.0 if not trust_seconds else 4.0))
                own_postgres.start()
        _finish(soak, client)
        workers.stop()
        soak.check()
        assert "lost " in workers.logs
    trust_report(deaths=deaths, runs=len(soak.orders))


def test_connections_are_delayed_dropped_and_reset(
    own_postgres: OwnServer,
    own_lab: Lab,
    trust_seconds: float,
    trust_random: Random,
    trust_report: Callable[..., None],
) -> None:
    soak = Soak(own_lab, trust_random)
    with proxy(own_postgres.data / ".s.PGSQL.5432", trust_random) as net:
        dsn = make_conninfo(own_lab.dsn, host="127.0.0.1", port=str(net.port))
        through = Lab(own_lab.project, dsn, own_lab.folder, own_lab.module)
        with (
            crew(through, 2, "soak", max_concurrent="12", batch_size="6") as workers,
            watcher(through) as client,
        ):
            _send(soak, client, 25)
            eventually(lambda: soak.attempts())
            deadline = time.monotonic() + (trust_seconds or 4)
            while time.monotonic() < deadline:
                net.trouble = trust_random.choice((0.0, 0.01, 0.05, 0.2))
                net.is_open = trust_random.random() < 0.9
                time.sleep(trust_random.uniform(0.1, 0.6))
                if soak.open() < 20:
                    _send(soak, client, trust_random.randint(1, 12))
            net.trouble, net.is_open = 0.0, True
            _finish(soak, client)
            workers.stop()
            soak.check()
            assert "lost " in workers.logs
        assert net.counts["resets"] + net.counts["closes"] + net.counts["halves"] > 0, net.counts
    trust_report(**net.counts, runs=len(soak.orders))


def _take_all_connections(dsn: str) -> list[psycopg.Connection[tuple[object, ...]]]:
    taken = []
    while True:
        try:
            taken.append(psycopg.connect(dsn, autocommit=True))
        except psycopg.OperationalError:
            return taken


def test_workers_outlive_a_server_without_connections(
    own_postgres: OwnServer, own_lab: Lab, trust_random: Random
) -> None:
    soak = Soak(own_lab, trust_random)
    with crew(own_lab, 1, "soak") as workers, psycopg.connect(own_postgres.dsn, autocommit=True) as control:
        soak.start(20)
        eventually(soak.attempts)
        taken = _take_all_connections(own_postgres.dsn)
        control.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'pgflow-gen'"
        )
        taken += _take_all_connections(own_postgres.dsn)
        workers.workers["crew-1"].until_logged("too many clients")
        late = WorkerProcess.launch(own_lab, ["soak"], {})
        late.until_logged("no connection to")
        assert "too many clients" in late.log
        for connection in taken:
            connection.close()
        late.until_serving()
        soak.until_ended()
        soak.check(released=True)  # a claim whose answer was lost is given back
        assert late.stop() == 0
        workers.stop()
