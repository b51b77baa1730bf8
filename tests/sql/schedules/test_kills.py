"""Whoever sees to the fires of a schedule is killed, again and again: each starts one run all the same."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator
from random import Random

import pytest
from psycopg.types.json import Jsonb

from tests.support.core import Core
from tests.support.wait import eventually

FIRES = 600
KILLS = 10
FIRER = """
import sys, psycopg
with psycopg.connect(sys.argv[1], autocommit=True) as connection:
    while True:
        connection.execute("select * from pgflow.fire_timers(10)")
"""
ENDED = "select count(*) from pgflow.schedules where next_fire > now()"


@pytest.fixture
def firers(live_dsn: str) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Three programs that fire what is due; those that have ended may be replaced."""
    running = [firer(live_dsn) for _ in range(3)]
    yield running
    for each in running:
        each.kill()
        each.wait()


def firer(dsn: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", FIRER, dsn], stderr=subprocess.DEVNULL)


def test_no_fire_is_lost_or_starts_two_runs(
    live: Core, live_dsn: str, firers: list[subprocess.Popen[bytes]]
) -> None:
    live.flow("f", "a")
    spec = {"every": 1, "timezone": "UTC", "overlap": "allow", "catch_up": "all"}
    live.run_sql("select pgflow.create_schedule('f', 's', %s, '1')", Jsonb(spec))
    live.run_sql("update pgflow.schedules set next_fire = next_fire - make_interval(secs => %s)", FIRES)
    live.run_sql("update pgflow.timers set due_at = clock_timestamp()")
    first, random = live.value("select next_fire from pgflow.schedules"), Random(7)
    for _ in range(KILLS):
        victim = random.randrange(3)
        if random.random() < 0.5:
            firers[victim].kill()  # its transaction may come through, or not
        else:
            live.run_sql(
                """select pg_terminate_backend(pid) from pg_stat_activity
                   where datname = current_database() and query like '%fire_timers(10)'
                     and pid <> pg_backend_pid()"""
            )
        with contextlib.suppress(subprocess.TimeoutExpired):
            firers[victim].wait(timeout=0.05)
        firers[:] = [each if each.poll() is None else firer(live_dsn) for each in firers]
        time.sleep(random.random() / 2)  # so that some calls come through, and some do not
    eventually(lambda: live.value(ENDED), timeout=120)

    last = live.value("select last_fire from pgflow.schedules")
    wanted = int((last - first).total_seconds()) + 1
    assert wanted >= FIRES
    row = live.row(
        """select count(*) as runs, count(distinct o.fire_at) as fires, min(o.fire_at) as first,
             max(o.fire_at) as last
           from pgflow.runs r join pgflow.origins o using (run_id)"""
    )
    assert (row.runs, row.fires, row.first, row.last) == (wanted, wanted, first, last)
    assert live.value("select count(*) from pgflow.origins") == wanted
    assert live.value("select count(*) from pgflow.step_tasks") == wanted
