"""What is due happens, once, whoever asks and whatever else is at the same runs."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest
from psycopg.types.json import Jsonb

from tests.support.batch import claim_one, fail, register
from tests.support.core import Core
from tests.support.sessions import Session
from tests.support.timers import fire, pass_time, timers

DAY = 86_400


def waiting(core: Core, flow: str = "f", count: int = 1, seconds: int = 60) -> list[UUID]:
    """Runs of which one task each waits for its retry."""
    worker = register(core, flow)
    runs = [core.start_flow(flow).run_id for _ in range(count)]
    for _ in runs:
        fail(core, [claim_one(core, worker, flow)], retry_after=[seconds])
    return runs


def failing(core: Core, where: str) -> None:
    """Sending messages raises for some runs."""
    core.run_sql(
        f"""create function pg_temp.refuse() returns trigger language plpgsql as $$
              begin
                if {where} then raise exception 'no room' using errcode = 'XX001'; end if;
                return new;
              end $$;
            create trigger refuse before insert on pgmq.q_f for each row execute function pg_temp.refuse()"""
    )


def test_without_timers(core: Core) -> None:
    assert fire(core) == (0, 0, None)
    assert core.value("select count(*) from pgflow.timer_floor") == 0


def test_one_that_is_not_due(core: Core) -> None:
    core.flow("f", "a")
    waiting(core)
    found = fire(core)
    assert (found.fired_count, found.failed_count) == (0, 0)
    assert 55 < found.next_in <= 60


def test_those_that_are_due(core: Core) -> None:
    core.flow("f", "a")
    waiting(core, count=3, seconds=20)
    waiting(core, count=2, seconds=100)
    pass_time(core, 20)
    found = fire(core)
    assert (found.fired_count, found.failed_count) == (3, 0)
    assert 75 < found.next_in <= 80
    assert len(core.queue("f")) == 3
    assert fire(core).fired_count == 0
    assert len(timers(core)) == 2


def test_at_most_so_many_a_call(core: Core) -> None:
    core.flow("f", "a")
    waiting(core, count=5)
    pass_time(core)
    assert [fire(core, 2).fired_count for _ in range(4)] == [2, 2, 1, 0]


@pytest.mark.parametrize("max_count", [0, -1, -(2**31)])
def test_none_at_all(core: Core, max_count: int) -> None:
    core.flow("f", "a")
    waiting(core)
    pass_time(core)
    assert fire(core, max_count) == (0, 0, 0)


def test_timers_of_runs_that_are_gone_go_too(core: Core) -> None:
    core.run_sql(
        "insert into pgflow.timers (due_at, kind, flow_slug, run_id) values (now(), 'run_timeout', 'f', %s)",
        uuid4(),
    )
    assert fire(core).fired_count == 1
    assert timers(core) == []


class TestOneThatCannotBeFired:
    def test_holds_no_other_back(self, core: Core) -> None:
        core.flow("f", "a")
        bad, *good = waiting(core, count=4)
        failing(core, f"new.message ->> 'run_id' = '{bad}'")
        pass_time(core)
        found = fire(core)
        assert (found.fired_count, found.failed_count) == (3, 1)
        assert {row.message["run_id"] for row in core.queue("f")} == {str(run) for run in good}

    def test_is_kept_for_later_with_its_error(self, core: Core) -> None:
        core.flow("f", "a")
        (run_id,) = waiting(core)
        failing(core, "true")
        waits = []
        for _ in range(3):
            pass_time(core)
            fire(core)
            (row,) = timers(core)
            waits.append(round(row.seconds))
        assert (row.run_id, row.failures, row.error_message) == (run_id, 3, "no room (XX001)")
        assert waits == [2, 4, 8]
        core.run_sql("drop trigger refuse on pgmq.q_f")
        pass_time(core)
        assert fire(core).fired_count == 1

    def test_is_tried_again_within_an_hour_however_often_it_failed(self, core: Core) -> None:
        core.flow("f", "a")
        waiting(core)
        failing(core, "true")
        core.run_sql("update pgflow.timers set failures = 1000000000")
        pass_time(core)
        fire(core)
        assert 3500 < timers(core)[0].seconds <= 3600

    def test_other_kinds_are_fired(self, core: Core) -> None:
        core.flow("f", "a")
        waiting(core)
        core.create_flow("g", options=Jsonb({"run_timeout": 5}))
        core.add_step("g", "a")
        run = core.start_flow("g")
        failing(core, "true")
        pass_time(core)
        found = fire(core)
        assert (found.fired_count, found.failed_count) == (1, 1)
        assert core.run(run.run_id).status == "failed"


class TestWithOthers:
    def test_a_run_that_is_held_is_left_for_later(self, live: Core, live_dsn: str) -> None:
        live.flow("f", "a")
        first, second = waiting(live, count=2)
        pass_time(live)
        with Session(live_dsn) as other:
            other.do(lambda core: core.run_sql("select from pgflow.runs where run_id = %s for update", first))
            found = fire(live)
            assert (found.fired_count, found.next_in) == (1, None)
            assert [row.message["run_id"] for row in live.queue("f")] == [str(second)]
            other.rollback()
        live.run_sql("update pgflow.timers set tried_at = tried_at - interval '1 second'")
        assert fire(live).fired_count == 1

    def test_timers_of_a_held_run_fill_no_call(self, live: Core, live_dsn: str) -> None:
        live.flow("f", "a")
        held = waiting(live, count=4)
        waiting(live)
        pass_time(live)
        with Session(live_dsn) as other:
            other.do(
                lambda core: core.run_sql("select from pgflow.runs where run_id = any(%s) for update", held)
            )
            assert sum(fire(live, 2).fired_count for _ in range(3)) == 1

    def test_what_waits_for_a_lock_holds_no_other_back(self, live: Core, live_dsn: str) -> None:
        """Somebody holds messages of runs whose time is over; those of others are not."""
        live.create_flow("g", options=Jsonb({"run_timeout": 60}))
        live.add_step("g", "a")
        runs = [live.start_flow("g").run_id for _ in range(8)]
        with Session(live_dsn) as other:
            other.do(lambda core: core.run_sql("select from pgmq.q_g where msg_id <= 6 for update"))
            pass_time(live)
            assert fire(live).failed_count == 5
            assert any(fire(live).fired_count == 2 for _ in range(3))
            assert [live.run(run).status for run in runs] == ["started"] * 6 + ["failed"] * 2
            other.rollback()
        assert {row.error_message for row in timers(live)} == {
            "canceling statement due to lock timeout (55P03)"
        }
        pass_time(live)
        assert fire(live).fired_count == 6

    def test_one_caller_at_a_time(self, live: Core, live_dsn: str) -> None:
        live.flow("f", "a")
        waiting(live)
        pass_time(live)
        with Session(live_dsn) as other:
            assert other.do(fire).fired_count == 1
            found = fire(live)
            assert (found.fired_count, found.next_in) == (0, pytest.approx(0.2))
            other.rollback()
        assert fire(live).fired_count == 1

    def test_a_timer_written_by_a_long_transaction_is_found(self, live: Core, live_dsn: str) -> None:
        """Others have been fired meanwhile that were due later, so that the look begins behind it."""
        live.flow("f", "a")
        worker = register(live, "f")
        late = live.start_flow("f").run_id
        task = claim_one(live, worker, "f")
        with Session(live_dsn) as other:
            other.do(lambda core: fail(core, [task], retry_after=[20]))
            other.do(
                lambda core: core.run_sql("update pgflow.timers set due_at = now() - interval '1 minute'")
            )
            waiting(live)
            pass_time(live)
            assert fire(live).fired_count == 1
            other.commit()
        assert fire(live).fired_count == 0
        live.run_sql("update pgflow.timer_floor set looked_at = looked_at - interval '30 seconds'")
        assert fire(live).fired_count == 1
        assert [row.message["run_id"] for row in live.queue("f")][-1] == str(late)


def test_after_the_clock_was_set_back(core: Core) -> None:
    core.flow("f", "a")
    core.run_sql(
        "insert into pgflow.timer_floor (due_at, looked_at) "
        "values (now() + interval '1 h', now() + interval '1 h')"
    )
    waiting(core, count=2)
    pass_time(core)
    assert fire(core).fired_count == 2
    assert core.value("select due_at < now() and looked_at < now() + interval '1 s' from pgflow.timer_floor")


class TestCost:
    def test_a_look_reads_one_timer_however_many_are_not_due(self, core: Core) -> None:
        core.flow("f", "a")
        core.run_sql(
            """insert into pgflow.timers (due_at, kind, flow_slug, run_id)
               select now() + interval '1 day', 'run_timeout', 'f', gen_random_uuid()
               from generate_series(1, 5000)"""
        )
        core.run_sql("set local enable_seqscan = off")
        # what other tests rolled back lies at the index's start; whoever walks over it first marks it dead
        core.value("select min(due_at) from pgflow.timers")
        before = core.rows_read("pgflow.timers")
        fire(core)
        core.value("select pgflow._next_timer()")
        assert core.rows_read("pgflow.timers") - before < 500

    def test_what_has_fired_is_not_walked_over_while_a_snapshot_is_old(
        self, live: Core, live_dsn: str
    ) -> None:
        with Session(live_dsn) as old:
            old.do(lambda core: core.run_sql("set transaction isolation level repeatable read"))
            old.do(lambda core: core.value("select count(*) from pgflow.timers"))
            live.run_sql(
                """insert into pgflow.timers (due_at, kind, flow_slug, run_id)
                   select now() - interval '20 seconds', 'run_timeout', 'f', gen_random_uuid()
                   from generate_series(1, 3000)"""
            )
            while fire(live, 1000).fired_count:
                pass
            assert live.value("select due_at > now() - interval '16 seconds' from pgflow.timer_floor")
            with live.connection.transaction():
                before = live.rows_read("pgflow.timers")
                live.value("select pgflow._next_timer()")
                assert live.rows_read("pgflow.timers") - before < 20

    def test_nor_are_children_of_which_parents_have_heard(self, live: Core, live_dsn: str) -> None:
        with Session(live_dsn) as old:
            old.do(lambda core: core.run_sql("set transaction isolation level repeatable read"))
            old.do(lambda core: core.value("select count(*) from pgflow.ended_children"))
            live.run_sql(
                """insert into pgflow.ended_children
                     (due_at, run_id, step_slug, task_index, attempt, child_run_id)
                   select now() - interval '20 seconds', gen_random_uuid(), 'a', 0, 1, gen_random_uuid()
                   from generate_series(1, 3000)"""
            )
            while fire(live, 1000).fired_count:
                pass
            live.run_sql("update pgflow.timer_floor set looked_at = clock_timestamp()")
            with live.connection.transaction():
                before = live.rows_read("pgflow.ended_children")
                live.value("select pgflow._next_timer()")
                fire(live)
                assert live.rows_read("pgflow.ended_children") - before < 20
