"""Worker and client through a pgbouncer in transaction mode, which has fewer connections than they want."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

import psycopg
import pytest

from tests.support import pgbouncer
from tests.support.server import Server, name_of
from tests.support.wait import eventually
from tests.support.worker_lab import Lab


@pytest.fixture
def pooled(lab: Lab, postgres_server: Server) -> Iterator[Lab]:
    """The lab as it is seen through the pooler."""
    reason = pgbouncer.why_not(postgres_server.dsn)
    if reason is not None:
        pytest.skip(reason)
    with pgbouncer.transaction_pooler(lab.dsn, name_of(lab.dsn)) as dsn:
        yield replace(lab, dsn=dsn)


def test_sessions_are_really_shared(pooled: Lab) -> None:
    """What a session holds, such as LISTEN, belongs to nobody there: the rig can fail."""
    with (
        psycopg.connect(pooled.dsn, autocommit=True, prepare_threshold=None) as one,
        psycopg.connect(pooled.dsn, autocommit=True, prepare_threshold=None) as other,
    ):
        pid = "select pg_backend_pid()"
        assert one.execute(pid).fetchone() == other.execute(pid).fetchone()


def test_runs_with_maps_retries_and_transactional_steps(pooled: Lab) -> None:
    with pooled.worker(poll_only="", max_concurrent="20") as worker:
        chains = [pooled.start("chain", n) for n in range(20)]
        fan = pooled.start("fan", 60)
        steered = pooled.start("steer", {"what": "late success"})
        pooled.let_go("book.go")
        entries = [
            pooled.start("ledger", {"folder": str(pooled.folder), "note": f"note {n}"}) for n in range(5)
        ]
        for n, run in enumerate(chains):
            assert pooled.completed(run, 60) == {"third": [n + 1, (n + 1) * 10]}
        squares = sum((60 if n == 3 else n * n) + n for n in range(60))
        assert pooled.completed(fan, 60) == {"sum": squares}
        assert pooled.completed(steered, 60) == {"obey": {"attempt": 2}}
        for run in entries:
            pooled.completed(run, 60)
        assert worker.stop() == 0
        assert "prepared statement" not in worker.log
        assert "lost " not in worker.log
    assert pooled.sql("select 1 from pgflow.step_tasks where status = 'started'") == []


def test_timers_are_fired(pooled: Lab, lab: Lab) -> None:
    with pooled.worker("poll", "hasty", poll_only=""):
        run = pooled.start("poll", 3)
        lab.time_passes("ask", of_runs=1)
        assert pooled.completed(run) == {"ask": 3}
        hasty = pooled.start("hasty", {"folder": str(pooled.folder), "name": "slow"})
        assert lab.ended(hasty)["error_message"] == "timed out after 1 s"


def test_a_batch_goes_on_without_the_run_that_somebody_holds(pooled: Lab, lab: Lab) -> None:
    """Also where no session is ours to be given a limit."""
    order = {"folder": str(lab.folder), "name": "a"}
    with pooled.worker("held", poll_only="", max_concurrent="20", batch_size="20") as worker:
        held, *others = [lab.start("held", order) for _ in range(6)]
        started = "select 1 from pgflow.step_tasks where status = 'started'"
        eventually(lambda: len(lab.sql(started)) == 6)
        with psycopg.connect(lab.dsn) as connection:
            connection.execute("select 1 from pgflow.runs where run_id = %s for update", [held])
            lab.let_go("a.go")
            assert [lab.completed(run) for run in others] == [{"hold": 1}] * 5
            worker.until_logged("outcome is held up")
        assert lab.completed(held) == {"hold": 1}
        assert worker.stop() == 0


PROGRAM = """
import json, sys
from generated.client import Client
with Client.connect(sys.argv[1], poll_only=True) as client:
    run = client.start_chain(1)
    many = client.start_many_chain([5, 6, 7])
    output = run.result(timeout=60)
    outputs = [item.result(timeout=60) for item in many]
    events = [(event.event_type, getattr(event, "step_slug", None)) for event in run.events()]
print(json.dumps([output, outputs, events]))
"""


def test_a_client_starts_and_waits_by_polling(pooled: Lab) -> None:
    with pooled.worker("chain", poll_only=""):
        done = pooled.project.python("-c", PROGRAM, pooled.dsn)
    assert done.returncode == 0, done.stderr
    output, outputs, events = json.loads(done.stdout)
    assert output == {"third": [2, 20]}
    assert outputs == [{"third": [n + 1, (n + 1) * 10]} for n in (5, 6, 7)]
    steps = [
        [f"step:{word}", step] for step in ("first", "second", "third") for word in ("started", "completed")
    ]
    assert events == [["run:started", None], *steps, ["run:completed", None]]
