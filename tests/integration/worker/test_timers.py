"""What is due in the database is done by whoever works: real workers, idle, busy or several."""

from __future__ import annotations

import signal

import psycopg
import pytest

from pgflow_runtime.worker.maintenance.timers import BUSY, SPREAD, Timers
from tests.support.batch import claim, fail, register
from tests.support.core import Core, connect
from tests.support.wait import eventually
from tests.support.worker_lab import Lab


def hasty(lab: Lab, name: str) -> str:
    """A run that may take a second and takes longer."""
    return lab.start("hasty", {"folder": str(lab.folder), "name": name})


def timed_out(lab: Lab, run_id: str) -> None:
    row = lab.ended(run_id)
    assert (row["status"], row["error_message"]) == ("failed", "timed out after 1 s")


def test_a_long_wait_ends_in_another_attempt(lab: Lab) -> None:
    with lab.worker("poll") as worker:
        run = lab.start("poll", 3)
        lab.time_passes("ask", of_runs=1)
        assert lab.completed(run) == {"ask": 3}
        assert lab.sql("select 1 from pgflow.timers") == []
        assert worker.stop() == 0


def test_an_idle_worker_learns_of_a_timer_that_was_written_meanwhile(lab: Lab) -> None:
    """And a busy one of another flow: its own task blocks a slot only."""
    with lab.worker("hasty", "poll"):
        lab.until_idle("hasty")
        run = hasty(lab, "slow")
        lab.begun("slow.begun")
        timed_out(lab, run)
        lab.let_go("slow.go")


def test_a_worker_of_any_flow_fires_all_timers(lab: Lab) -> None:
    """Nobody serves the flow whose run is over."""
    run = hasty(lab, "alone")
    with lab.worker("chain"):
        timed_out(lab, run)


def test_what_fell_due_while_nobody_worked_is_done_at_once(lab: Lab) -> None:
    run = lab.start("poll", 3)
    with lab.worker("poll") as worker:
        eventually(lambda: lab.task(run)["waits_for"] == "time")
        worker.signal(signal.SIGKILL)
        worker.process.wait()
    lab.time_passes("ask", of_runs=1)
    with lab.worker("poll"):
        assert lab.completed(run) == {"ask": 3}


def test_several_workers_fire_each_once(lab: Lab) -> None:
    with lab.worker("poll"), lab.worker("poll"), lab.worker("poll", poll_only=""):
        runs = [lab.start("poll", 3) for _ in range(250)]
        lab.time_passes("ask", of_runs=250)
        for run in runs:
            assert lab.completed(run) == {"ask": 3}
    (sent,) = lab.sql("select count(*) from pgmq.a_poll")
    assert sent["count"] == 2 * len(runs)


def test_a_timer_that_cannot_be_fired_is_told_of_and_tried_again(lab: Lab) -> None:
    with lab.worker("poll") as worker:
        run = lab.start("poll", 3)
        eventually(lambda: lab.task(run)["waits_for"] == "time")
        lab.sql(
            """create function public.refuse() returns trigger language plpgsql as
               $$ begin raise exception 'no room' using errcode = 'XX001'; end $$"""
        )
        lab.sql(
            "create trigger refuse before insert on pgmq.q_poll for each row execute function public.refuse()"
        )
        lab.time_passes("ask", of_runs=1)
        worker.until_logged("1 timers could not be fired")
        lab.sql("drop trigger refuse on pgmq.q_poll")
        assert lab.completed(run) == {"ask": 3}


class TestPace:
    """Seconds until the next look, in a database of its own."""

    @pytest.mark.parametrize(
        ("idle", "is_busy", "wanted"), [(0.0, False, BUSY), (9.0, False, 9.0), (9.0, True, BUSY)]
    )
    def test_without_timers(self, plain_database_dsn: str, idle: float, is_busy: bool, wanted: float) -> None:
        timers = Timers(idle, lambda: is_busy)
        with psycopg.connect(plain_database_dsn) as connection:
            assert timers.turn(connection) == wanted

    def test_until_the_next_one(self, plain_database_dsn: str) -> None:
        timers = Timers(100.0, lambda: False)
        with connect(plain_database_dsn) as connection:
            core = Core(connection)
            core.flow("f", "a")
            core.start_flow("f")
            fail(core, claim(core, (register(core, "f"), "f")), retry_after=[60])
            assert 50 < timers.turn(connection) <= 60 + SPREAD
            core.run_sql("update pgflow.timers set due_at = now()")
            assert timers.turn(connection) == 100
            assert core.task(core.value("select run_id from pgflow.runs"), "a").waits_for is None


def test_sleeps_and_signals_end_by_a_worker_that_knows_nothing_of_them(lab: Lab) -> None:
    """Their flow has no handler at all: a run of it needs time, and what is sent to it."""
    with psycopg.connect(lab.dsn) as connection:
        connection.execute(
            """select pgflow.create_flow('resting');
               select pgflow.add_step('resting', 'nap', options => '{"kind": "sleep", "seconds": 1}');
               select pgflow.add_step('resting', 'answer', array['nap'], options => '{"kind": "signal"}');
               select pgflow.add_step('resting', 'rest', array['answer'],
                 options => '{"kind": "sleep", "until": ["answer", "due"]}');
               select pgflow.add_step('resting', 'never', array['rest'], when_exhausted => 'skip',
                 options => '{"kind": "signal", "deadline": 1}')"""
        )
    with lab.worker("chain"):
        run = lab.start("resting", {})
        waiting = "select 1 from pgflow.waiting_signals where run_id = %s and step_slug = 'answer'"
        eventually(lambda: lab.sql(waiting, run))
        lab.sql(
            """select * from pgflow.send_signals(array[%s]::uuid[], array['answer'],
                 array[jsonb_build_object('due', extract(epoch from clock_timestamp()) + 1)])""",
            run,
        )
        row = lab.ended(run)
    assert (row["status"], row["output"]) == ("completed", None)
    states = lab.sql("select step_slug, status, skip_reason from pgflow.step_states where run_id = %s", run)
    assert {state["step_slug"]: (state["status"], state["skip_reason"]) for state in states} == {
        "nap": ("completed", None),
        "answer": ("completed", None),
        "rest": ("completed", None),
        "never": ("skipped", "timed_out"),
    }


def test_handlers_before_and_behind_steps_that_wait(lab: Lab) -> None:
    waiting = "select 1 from pgflow.waiting_signals where run_id = %s and step_slug = 'answer'"
    with lab.worker("asking") as worker:
        run = lab.start("asking", 1)
        eventually(lambda: lab.sql(waiting, run))
        sending = """select outcome from pgflow.send_signals(array[%s]::uuid[], array['answer'],
                       array['[3, 4]'::jsonb])"""
        assert lab.sql(sending, run) == [{"outcome": "taken"}]
        assert lab.completed(run) == {"told": [6, 8, 2, None]}
        assert worker.stop() == 0


def test_a_worker_that_died_while_a_run_waited_leaves_nothing_behind(lab: Lab) -> None:
    with lab.worker("asking") as worker:
        run = lab.start("asking", 1)
        eventually(lambda: lab.sql("select 1 from pgflow.timers where kind = 'sleep'"))
        worker.signal(signal.SIGKILL)
        worker.process.wait()
    lab.sql("select * from pgflow.send_signals(array[%s]::uuid[], array['answer'], array['[1]'::jsonb])", run)
    with lab.worker("asking"):
        assert lab.completed(run) == {"told": [2, 2, None]}


def test_a_run_that_begins_later_is_done_by_a_worker_that_was_idle(lab: Lab) -> None:
    with lab.worker("chain"):
        lab.until_idle("chain")
        (row,) = lab.sql(
            """select * from pgflow.start_flows('chain', array['1'::jsonb], options =>
                 jsonb_build_object('begins_at', extract(epoch from clock_timestamp()) + 1))"""
        )
        assert row["begins_at"] is not None
        ended = lab.ended(str(row["run_id"]))
    assert ended["started_at"] >= row["begins_at"]
