"""A sleep waits for its time without a task, and completes with null."""

from __future__ import annotations

from datetime import timedelta

import pytest
from psycopg.types.json import Jsonb

from pgflow_runtime.runs.snapshot import RunSnapshot
from tests.support.batch import claim, register
from tests.support.control import cancel, hold, let_go, retry
from tests.support.core import Core, Json
from tests.support.notifications import listening
from tests.support.sessions import Session
from tests.support.steps_that_wait import add_signal, add_sleep
from tests.support.timers import fire, pass_time, timers
from tests.support.wait import eventually


def sleeping(core: Core, **options: Json) -> None:
    """A flow that sleeps between two steps."""
    core.create_flow("f")
    core.add_step("f", "a")
    add_sleep(core, "f", "pause", ["a"], **(options or {"seconds": 60}))
    core.add_step("f", "b", ["pause"])


class TestSeconds:
    def test_it_starts_when_its_dependencies_have_ended(self, core: Core) -> None:
        sleeping(core)
        run = core.start_flow("f").run_id
        assert core.statuses(run) == {"a": "started", "pause": "created", "b": "created"}
        core.work("f")
        assert core.statuses(run) == {"a": "completed", "pause": "started", "b": "created"}
        step = core.step(run, "pause")
        assert (step.initial_tasks, step.remaining_tasks, core.tasks(run, "pause")) == (1, 1, [])
        assert (core.queue("f"), core.run(run).remaining_steps) == ([], 2)
        (timer,) = timers(core)
        assert (timer.kind, timer.run_id, timer.step_slug) == ("sleep", run, "pause")
        assert 59 < timer.seconds <= 60

    def test_it_ends_when_its_time_has_come(self, core: Core) -> None:
        sleeping(core)
        run = core.start_flow("f").run_id
        core.work("f")
        pass_time(core, 59)
        assert fire(core).fired_count == 0
        pass_time(core, 1)
        assert fire(core).fired_count == 1
        step = core.step(run, "pause")
        assert (step.status, step.output, step.remaining_tasks) == ("completed", None, 0)
        assert core.statuses(run)["b"] == "started"
        assert timers(core) == []
        core.work("f", "done")
        assert (core.run(run).status, core.run(run).output) == ("completed", {"b": "done"})

    def test_events(self, core: Core) -> None:
        sleeping(core)
        run = core.start_flow("f").run_id
        core.work("f")
        pass_time(core)
        fire(core)
        core.work("f")
        assert core.event_names(run) == [
            "run:started",
            "step:a:started",
            "step:a:completed",
            "step:pause:started",
            "step:pause:completed",
            "step:b:started",
            "step:b:completed",
            "run:completed",
        ]

    def test_one_of_no_seconds_is_over_at_once(self, core: Core) -> None:
        sleeping(core, seconds=0)
        run = core.start_flow("f").run_id
        core.work("f")
        assert core.statuses(run) == {"a": "completed", "pause": "completed", "b": "started"}
        assert timers(core) == []

    def test_more_than_fifty_in_a_row_that_are_over(self, core: Core) -> None:
        core.create_flow("f")
        for number in range(70):
            add_sleep(core, "f", f"s{number}", [f"s{number - 1}"] if number else [], seconds=0)
        run = core.start_flow("f")
        assert (run.status, run.remaining_steps, run.output) == ("completed", 0, {"s69": None})

    def test_a_flow_of_sleeps_alone(self, core: Core) -> None:
        core.create_flow("f")
        add_sleep(core, "f", "one", seconds=5)
        add_sleep(core, "f", "two", ["one"], seconds=5)
        run = core.start_flow("f").run_id
        for _ in range(2):
            assert core.run(run).status == "started"
            pass_time(core)
            assert fire(core).fired_count == 1
        assert core.run(run).output == {"two": None}

    def test_its_condition_counts(self, core: Core) -> None:
        core.create_flow("f")
        core.add_step("f", "a")
        add_sleep(core, "f", "pause", ["a"], seconds=60, required_input_pattern={"a": {"slow": True}})
        core.add_step("f", "b", ["pause"])
        run = core.start_flow("f").run_id
        core.work("f", {"slow": False})
        assert core.statuses(run) == {"a": "completed", "pause": "skipped", "b": "started"}

    def test_setting_it_anew_leaves_those_that_sleep(self, core: Core) -> None:
        sleeping(core)
        core.start_flow("f")
        core.work("f")
        core.call("alter_step", flow_slug="f", step_slug="pause", options=Jsonb({"seconds": 5}))
        assert timers(core)[0].seconds > 59


class TestUntil:
    @pytest.mark.parametrize("value", ["2000-01-01T00:00:00Z", 0, 1e9, "2026-01-01t01:30:00.5+05:45"])
    def test_a_time_that_has_passed(self, core: Core, value: Json) -> None:
        sleeping(core, until=["flow_input", "due"])
        run = core.start_flow("f", {"due": value}).run_id
        core.work("f")
        assert core.statuses(run)["pause"] == "completed"

    def test_a_time_that_is_to_come(self, core: Core) -> None:
        sleeping(core, until=["flow_input", "due"])
        core.start_flow("f", {"due": (core.clock() + timedelta(hours=2)).isoformat()})
        core.work("f")
        assert 7190 < timers(core)[0].seconds <= 7200

    def test_of_a_dependency(self, core: Core) -> None:
        sleeping(core, until=["a", "deep", "due"])
        core.start_flow("f")
        core.work("f", {"deep": {"due": 253402300799}})
        assert timers(core)[0].due_at.year == 9999

    @pytest.mark.parametrize(
        "value",
        [
            None,
            True,
            [],
            {},
            "",
            "tomorrow",
            "2026-01-01",
            "2026-01-01T00:00:00",
            -1,
            253402300800,
            1e300,
            "2026-02-30T00:00:00Z",
            "2026-01-01T24:00:00Z",
            "2026-01-01T00:00:60Z",
            "0000-01-01T00:00:00Z",
            "infinity",
            "now",
            "2026-01-01T00:00:00+24:00",
            "9" * 1000,
        ],
    )
    def test_what_is_no_time_exhausts_it(self, core: Core, value: Json) -> None:
        sleeping(core, until=["flow_input", "due"])
        run = core.start_flow("f", {"due": value}).run_id
        core.work("f")
        assert core.statuses(run) == {"a": "completed", "pause": "failed", "b": "created"}
        assert core.run(run).error_message == '"until" of sleep "pause" is no time'

    @pytest.mark.parametrize("run_input", [None, 7, [], {}, {"other": 1}])
    def test_what_is_not_there(self, core: Core, run_input: Json) -> None:
        sleeping(core, until=["flow_input", "due"], when_exhausted="skip")
        run = core.start_flow("f", run_input).run_id
        core.work("f")
        step = core.step(run, "pause")
        assert (step.status, step.skip_reason) == ("skipped", "invalid_time")
        assert step.error_message == '"until" of sleep "pause" is no time'
        assert core.statuses(run)["b"] == "started"

    def test_with_what_depends_on_it(self, core: Core) -> None:
        sleeping(core, until=["a"], when_exhausted="skip-cascade")
        run = core.start_flow("f").run_id
        core.work("f", "never")
        assert core.statuses(run) == {"a": "completed", "pause": "skipped", "b": "skipped"}
        assert (core.step(run, "b").skip_reason, core.run(run).status) == ("dependency_skipped", "completed")

    def test_two_of_which_one_fails_the_run(self, core: Core) -> None:
        core.create_flow("f")
        add_sleep(core, "f", "x", until=["flow_input"])
        add_sleep(core, "f", "long", seconds=60)
        add_sleep(core, "f", "b", until=["flow_input"])
        add_sleep(core, "f", "a", until=["flow_input"], when_exhausted="skip")
        run = core.start_flow("f", "?").run_id
        assert core.statuses(run) == {"x": "failed", "long": "created", "b": "created", "a": "created"}
        assert (core.run(run).status, timers(core)) == ("failed", [])


class TestReading:
    def test_what_a_step_waits_for_and_until_when(self, core: Core) -> None:
        sleeping(core)
        add_signal(core, "f", "answer", ["a"], deadline=7)
        add_signal(core, "f", "never", ["a"])
        run = core.start_flow("f").run_id
        core.work("f")
        progress = core.row("select * from pgflow.get_run_progress(array[%s]::uuid[])", run).progress
        steps = {step["step_slug"]: step for step in progress["steps"]}
        due = {timer.step_slug: timer.due_at for timer in timers(core)}
        found = RunSnapshot.read({**progress, "run": {**progress["run"], "input": None}}).steps
        assert found is not None
        waits = {slug: step.wait for slug, step in found.items() if step.wait}
        assert {slug: (wait.waits_for, wait.until) for slug, wait in waits.items()} == {
            "pause": ("sleep", due["pause"]),
            "answer": ("signal", due["answer"]),
            "never": ("signal", None),
        }
        assert "wait" not in steps["a"]
        cancel(core, run)
        progress = core.row("select * from pgflow.get_run_progress(array[%s]::uuid[])", run).progress
        assert not any("wait" in step for step in progress["steps"])


class TestCost:
    def test_an_idle_look_reads_one_of_all_that_sleep(self, core: Core) -> None:
        core.create_flow("f")
        add_sleep(core, "f", "pause", seconds=86_400)
        core.run_sql("select pgflow.start_flows('f', array_fill('1'::jsonb, array[3000]))")
        assert len(timers(core)) == 3000
        core.run_sql("set local enable_seqscan = off")
        core.value("select min(due_at) from pgflow.timers")
        before = core.rows_read("pgflow.timers"), core.rows_read("pgflow.runs")
        assert fire(core).fired_count == 0
        core.value("select pgflow.announce_idle(array[%s]::uuid[], 5)", core.worker("f"))
        assert core.rows_read("pgflow.timers") - before[0] < 500
        assert core.rows_read("pgflow.runs") - before[1] < 10

    def test_a_claim_reads_none_of_them(self, core: Core) -> None:
        """They have neither tasks nor messages."""
        core.create_flow("f")
        add_sleep(core, "f", "pause", seconds=86_400)
        add_signal(core, "f", "answer")
        core.run_sql("select pgflow.start_flows('f', array_fill('1'::jsonb, array[1000]))")
        before = core.rows_read("pgmq.q_f"), core.rows_read("pgflow.step_tasks")
        assert claim(core, (register(core, "f"), "f")) == []
        assert (core.rows_read("pgmq.q_f"), core.rows_read("pgflow.step_tasks")) == before


class TestDefinition:
    @pytest.mark.parametrize(
        ("options", "words"),
        [
            ({}, "either seconds or until"),
            ({"seconds": 1, "until": ["flow_input"]}, "either seconds or until"),
            ({"seconds": -1}, "whole number from 0"),
            ({"seconds": 31_536_001}, "whole number from 0"),
            ({"seconds": "1"}, "whole number from 0"),
            ({"until": []}, "must be a path"),
            ({"until": "due"}, "must be a path"),
            ({"until": ["flow_input", 1]}, "must be a path"),
            ({"until": ["other", "due"]}, 'something of "other", on which it does not depend'),
            ({"seconds": 1, "step_type": "map"}, "cannot be a map"),
        ],
    )
    def test_what_no_sleep_can_be(self, core: Core, options: dict[str, Json], words: str) -> None:
        core.flow("f", "a")
        with core.refused(words, sqlstate="PF011"):
            add_sleep(core, "f", "pause", ["a"], **options)

    def test_it_takes_no_option_of_another_kind(self, core: Core) -> None:
        core.flow("f", "a")
        with core.refused('A sleep has no option "deadline"', sqlstate="PF011"):
            add_sleep(core, "f", "pause", ["a"], seconds=1, deadline=5)

    def test_no_map_goes_over_it(self, core: Core) -> None:
        sleeping(core)
        with core.refused('Map step "m" cannot go over "pause"', sqlstate="PF011"):
            core.add_step("f", "m", ["pause"], step_type="map")

    def test_its_kind_stays(self, core: Core) -> None:
        sleeping(core)
        with core.refused("single sleep", sqlstate="PF010"):
            core.add_step("f", "pause", ["a"])
        with core.refused('"pause" is a sleep, and stays one', sqlstate="PF010"):
            core.call("alter_step", flow_slug="f", step_slug="pause", options=Jsonb({"kind": "signal"}))

    def test_the_definition_says_it(self, core: Core) -> None:
        sleeping(core, until=["flow_input", "due"])
        found = core.value("select pgflow.get_flow_definition('f')")
        steps = {step["slug"]: step for step in found["structure"]["steps"]}
        assert steps["pause"]["kind"] == "sleep"
        assert "kind" not in steps["a"]
        assert found["settings"]["steps"]["pause"]["until"] == ["flow_input", "due"]


class TestControl:
    def test_cancelled(self, core: Core) -> None:
        sleeping(core)
        run = core.start_flow("f").run_id
        core.work("f")
        assert cancel(core, run) == ["cancelled"]
        assert core.statuses(run) == {"a": "completed", "pause": "cancelled", "b": "cancelled"}
        assert timers(core) == []

    def test_retried_it_is_over_when_it_would_have_been(self, core: Core) -> None:
        sleeping(core, seconds=3600)
        run = core.start_flow("f").run_id
        core.work("f")
        core.run_sql("update pgflow.step_states set created_at = created_at - interval '1 hour'")
        core.run_sql(
            "update pgflow.step_states set started_at = started_at - interval '1000 seconds' "
            "where step_slug = 'pause'"
        )
        cancel(core, run)
        assert retry(core, run) == ["retried"]
        assert core.statuses(run) == {"a": "completed", "pause": "started", "b": "created"}
        assert core.step(run, "pause").remaining_tasks == 1
        (timer,) = timers(core)
        assert 2590 < timer.seconds <= 2600
        pass_time(core)
        fire(core)
        core.work("f")
        assert core.run(run).status == "completed"

    def test_retried_after_it_was_no_time(self, core: Core) -> None:
        sleeping(core, until=["flow_input"])
        run = core.start_flow("f", "?").run_id
        core.work("f")
        assert retry(core, run) == ["retried"]
        assert core.run(run).status == "failed"

    def test_of_a_held_run_it_ends_and_nothing_begins(self, core: Core) -> None:
        sleeping(core)
        run = core.start_flow("f").run_id
        core.work("f")
        hold(core, run)
        pass_time(core)
        assert fire(core).fired_count == 1
        assert core.statuses(run) == {"a": "completed", "pause": "completed", "b": "started"}
        assert (core.queue("f"), core.task(run, "b").waits_for) == ([], "hold")
        let_go(core, run)
        core.work("f")
        assert core.run(run).status == "completed"

    def test_when_its_run_fails(self, core: Core) -> None:
        core.create_flow("f", max_attempts=1)
        core.add_step("f", "a")
        add_sleep(core, "f", "pause", seconds=60)
        run = core.start_flow("f").run_id
        (task,) = core.poll("f")
        core.fail_task(task.run_id, "a")
        assert (core.run(run).status, timers(core)) == ("failed", [])

    def test_when_it_is_skipped_with_another(self, core: Core) -> None:
        """A dependency of a step that is doomed already, which the step waits for no more."""
        core.create_flow("f", max_attempts=1)
        core.add_step("f", "a", when_exhausted="skip-cascade")
        add_signal(core, "f", "s")
        add_sleep(core, "f", "pause", ["a", "s"], seconds=60)
        run = core.start_flow("f").run_id
        core.poll("f")
        core.fail_task(run, "a")
        assert core.statuses(run) == {"a": "skipped", "s": "started", "pause": "skipped"}

    def test_forked_it_is_taken_over(self, core: Core) -> None:
        sleeping(core)
        run = core.start_flow("f").run_id
        core.work("f")
        pass_time(core)
        fire(core)
        (row,) = core.call("fork_run", run_id=run, from_steps=["b"])
        assert core.statuses(row.fork_run) == {"a": "completed", "pause": "completed", "b": "started"}
        (row,) = core.call("fork_run", run_id=run, from_steps=["pause"])
        assert core.statuses(row.fork_run) == {"a": "completed", "pause": "started", "b": "created"}
        assert len(timers(core)) == 1

    def test_pgflows_own_function_starts_none_as_a_task(self, core: Core) -> None:
        core.create_flow("f")
        add_sleep(core, "f", "pause", seconds=60)
        run = core.start_flow("f").run_id
        core.run_sql(
            "update pgflow.step_states set status = 'created', remaining_tasks = null, started_at = null"
        )
        core.call("start_ready_steps", run_id=run)
        assert core.tasks(run) == []


class TestWithOthers:
    def test_what_a_killed_caller_had_fired_is_fired_again(self, live: Core, live_dsn: str) -> None:
        sleeping(live)
        run = live.start_flow("f").run_id
        live.work("f")
        pass_time(live)
        with Session(live_dsn) as other:
            assert other.do(fire).fired_count == 1
            live.value("select pg_terminate_backend(%s)", other.pid)
        assert live.statuses(run)["pause"] == "started"
        eventually(lambda: fire(live).fired_count == 1)
        assert live.statuses(run) == {"a": "completed", "pause": "completed", "b": "started"}
        assert fire(live).fired_count == 0
        assert len(live.queue("f")) == 1

    def test_of_a_run_that_is_being_cancelled(self, live: Core, live_dsn: str) -> None:
        sleeping(live)
        run = live.start_flow("f").run_id
        live.work("f")
        pass_time(live)
        with Session(live_dsn) as other:
            assert other.do(lambda core: cancel(core, run)) == ["cancelled"]
            assert fire(live).fired_count == 0
            other.commit()
        assert (fire(live).fired_count, timers(live)) == (0, [])
        assert live.statuses(run)["pause"] == "cancelled"

    def test_an_idle_worker_is_told_that_a_timer_may_be_the_next(self, live: Core, live_dsn: str) -> None:
        sleeping(live, seconds=5)
        worker = register(live, "f")
        live.start_flow("f")
        live.value("select pgflow.announce_idle(array[%s]::uuid[], 60)", worker)
        with listening(live_dsn, "pgflow_work_f") as listener:
            live.work("f")
            assert ("pgflow_work_f", "") in listener.received()
        assert 0 < live.value("select pgflow.announce_idle(array[%s]::uuid[], 60)", worker) <= 5
