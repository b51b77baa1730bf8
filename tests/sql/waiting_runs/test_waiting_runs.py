"""What runs wait for that no worker can do, in one view."""

from __future__ import annotations

from psycopg.types.json import Jsonb

from tests.support.control import cancel
from tests.support.core import Core
from tests.support.steps_that_wait import add_signal, add_sleep, send


def test_signals_sleeps_and_runs_that_have_not_begun(core: Core) -> None:
    core.create_flow("f", options=Jsonb({"run_timeout": 60}))
    add_signal(core, "f", "asked", key=["id"])
    add_signal(core, "f", "hurried", deadline=60)
    add_sleep(core, "f", "nap", seconds=60)
    run = core.start_flow("f", {"id": "x"}).run_id
    query = "select * from pgflow.start_flows('f', array['1'::jsonb], options => %s)"
    later = core.row(query, Jsonb({"begins_at": "2099-01-01T00:00:00Z"}))
    rows = core.rows("select * from pgflow.waiting_runs order by step_slug")
    assert [(row.run_id, row.step_slug, row.waits_for, row.key) for row in rows] == [
        (run, "asked", "signal", "x"),
        (run, "hurried", "signal", None),
        (run, "nap", "sleep", None),
        (later.run_id, None, "begin", None),
    ]
    assert [row.due_at is None for row in rows] == [True, False, False, False]
    assert rows[3].due_at == later.begins_at
    assert all(row.since <= core.clock() for row in rows)


def test_who_waits_no_more_is_not_there(core: Core) -> None:
    core.create_flow("f")
    add_signal(core, "f", "asked")
    add_sleep(core, "f", "nap", seconds=60)
    run, other = (core.start_flow("f").run_id for _ in range(2))
    send(core, run, "asked")
    cancel(core, other)
    (row,) = core.rows("select * from pgflow.waiting_runs")
    assert (row.run_id, row.step_slug) == (run, "nap")


def test_one_run_is_looked_up_among_many(core: Core) -> None:
    core.create_flow("f")
    add_sleep(core, "f", "nap", seconds=60)
    core.run_sql("select pgflow.start_flows('f', array_fill('1'::jsonb, array[1000]))")
    run = core.start_flow("f").run_id
    core.run_sql("set local enable_seqscan = off")
    before = core.rows_read("pgflow.timers") + core.rows_read("pgflow.waiting_signals")
    assert len(core.rows("select * from pgflow.waiting_runs where run_id = %s", run)) == 1
    assert core.rows_read("pgflow.timers") + core.rows_read("pgflow.waiting_signals") - before < 50
