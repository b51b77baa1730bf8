"""A signal step waits for what somebody sends, and completes with it."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest
from psycopg.types.json import Jsonb

from tests.support.control import cancel, hold, let_go, retry
from tests.support.core import Core, Json
from tests.support.sessions import Session
from tests.support.steps_that_wait import add_signal, add_sleep, send, send_all
from tests.support.timers import fire, pass_time, timers


def asking(core: Core, **options: Json) -> None:
    """A flow that asks somebody between two steps."""
    core.create_flow("f")
    core.add_step("f", "a")
    add_signal(core, "f", "answer", ["a"], **options)
    core.add_step("f", "b", ["answer"])


def waiting(core: Core, **options: Json) -> UUID:
    asking(core, **options)
    run: UUID = core.start_flow("f").run_id
    core.work("f")
    return run


class TestOutcomes:
    def test_taken(self, core: Core) -> None:
        asking(core)
        run = core.start_flow("f").run_id
        core.work("f")
        step = core.step(run, "answer")
        assert (step.status, step.remaining_tasks, core.tasks(run, "answer")) == ("started", 1, [])
        assert send(core, run, "answer", {"ok": True}) == "taken"
        step = core.step(run, "answer")
        assert (step.status, step.output, step.remaining_tasks) == ("completed", {"ok": True}, 0)
        (task,) = core.poll("f")
        assert (task.step_slug, task.input) == ("b", {"answer": {"ok": True}})
        core.complete_task(run, "b", 0, "done")
        assert core.run(run).output == {"b": "done"}

    def test_kept_until_the_step_is_ready_and_the_first_counts(self, core: Core) -> None:
        asking(core)
        run = core.start_flow("f").run_id
        assert [send(core, run, "answer", number) for number in (1, 2)] == ["kept", "kept"]
        assert core.statuses(run)["answer"] == "created"
        core.work("f")
        step = core.step(run, "answer")
        assert (step.status, step.output) == ("completed", 1)
        assert core.statuses(run)["b"] == "started"
        rows = core.rows(
            "select payload, taken_at is not null as is_taken from pgflow.signals order by signal_id"
        )
        assert [tuple(row) for row in rows] == [(None, True), (2, False)]

    def test_late_for_the_step_and_for_the_run(self, core: Core) -> None:
        asking(core)
        run = core.start_flow("f").run_id
        core.work("f")
        assert send_all(core, (run, "answer", 1, None), (run, "answer", 2, None)) == ["taken", "late"]
        assert send(core, run, "answer", 3) == "late"
        core.work("f")
        assert send(core, run, "answer", 4) == "late"
        assert core.step(run, "answer").output == 1
        assert core.rows("select * from pgflow.signals") == []

    def test_sixteen_are_kept(self, core: Core) -> None:
        asking(core)
        run = core.start_flow("f").run_id
        assert send_all(core, *[(run, "answer", n, None) for n in range(18)]) == ["kept"] * 16 + ["full"] * 2
        assert send(core, run, "answer", 18, "mark") == "full"
        assert send(core, run, "answer", 19, "mark") == "full"

    def test_nobody_and_nothing(self, core: Core) -> None:
        asking(core)
        run = core.start_flow("f").run_id
        assert send(core, uuid4(), "answer") == "no such run"
        assert send(core, run, "a") == "no such signal"
        assert send(core, run, "nothing") == "no such signal"

    def test_null_is_a_payload(self, core: Core) -> None:
        asking(core)
        first, second = (core.start_flow("f").run_id for _ in range(2))
        query = "select outcome from pgflow.send_signals(array[%s, %s], array['answer', 'answer'], %s)"
        assert [row.outcome for row in core.rows(query, first, second, [None, Jsonb(None)])] == [
            "kept",
            "kept",
        ]
        for _ in range(2):
            core.work("f")
        for run in (first, second):
            assert (core.statuses(run)["answer"], core.step(run, "answer").output) == ("completed", None)
            assert core.value(
                "select output = 'null' from pgflow.step_states where run_id = %s and step_slug = 'answer'",
                run,
            )

    def test_one_signal_waits_for_another(self, core: Core) -> None:
        """Judged by what was there before the call: the second is kept, and taken by what the first does."""
        core.create_flow("f")
        add_signal(core, "f", "one")
        add_signal(core, "f", "two", ["one"])
        run = core.start_flow("f").run_id
        assert send_all(core, (run, "two", 2, None), (run, "one", 1, None)) == ["kept", "taken"]
        assert core.run(run).output == {"two": 2}

    def test_two_signals_of_one_run_in_one_call(self, core: Core) -> None:
        core.create_flow("f")
        add_signal(core, "f", "one")
        add_signal(core, "f", "two")
        core.add_step("f", "b", ["one", "two"])
        run = core.start_flow("f").run_id
        assert send_all(core, (run, "two", 2, None), (run, "one", 1, None)) == ["taken", "taken"]
        assert core.poll("f")[0].input == {"one": 1, "two": 2}

    def test_events(self, core: Core) -> None:
        asking(core)
        run = core.start_flow("f").run_id
        send(core, run, "answer", 5)
        core.work("f")
        found = core.event_names(run)
        assert found[2:6] == [
            "step:a:completed",
            "step:answer:started",
            "step:answer:completed",
            "step:b:started",
        ]
        assert core.events(run)[4].payload["output"] == 5


class TestRepetition:
    def test_of_one_that_was_taken(self, core: Core) -> None:
        asking(core)
        run = core.start_flow("f").run_id
        core.work("f")
        assert send(core, run, "answer", 1, "click") == "taken"
        assert send(core, run, "answer", 1, "click") == "duplicate"
        assert send(core, run, "answer", 1, "other") == "late"
        core.work("f")
        assert send(core, run, "answer", 1, "click") == "duplicate"

    def test_of_one_that_was_kept(self, core: Core) -> None:
        asking(core)
        run = core.start_flow("f").run_id
        assert send(core, run, "answer", 1, "click") == "kept"
        assert send(core, run, "answer", 2, "click") == "duplicate"
        core.work("f")
        assert send(core, run, "answer", 2, "click") == "duplicate"
        assert core.step(run, "answer").output == 1

    def test_within_a_call(self, core: Core) -> None:
        asking(core)
        run = core.start_flow("f").run_id
        marks = ["a", "b", "a", None, "b"]
        wanted = ["kept", "kept", "duplicate", "kept", "duplicate"]
        assert send_all(core, *[(run, "answer", 1, mark) for mark in marks]) == wanted

    def test_it_counts_for_one_step_of_one_run(self, core: Core) -> None:
        core.create_flow("f")
        core.add_step("f", "a")
        add_signal(core, "f", "one", ["a"])
        add_signal(core, "f", "two", ["a"])
        runs = [core.start_flow("f").run_id for _ in range(2)]
        sent = [(run, slug, 1, "same") for run in runs for slug in ("one", "two")]
        assert send_all(core, *sent) == ["kept"] * 4

    def test_a_mark_is_short(self, core: Core) -> None:
        asking(core)
        run = core.start_flow("f").run_id
        assert send(core, run, "answer", 1, "x" * 200) == "kept"
        with core.refused("at most 200 characters", sqlstate="PF011"):
            send(core, run, "answer", 1, "x" * 201)


class TestPayloads:
    def mapped(self, core: Core) -> UUID:
        core.create_flow("f")
        add_signal(core, "f", "lines")
        core.add_step("f", "m", ["lines"], step_type="map")
        run: UUID = core.start_flow("f").run_id
        return run

    def test_a_map_goes_over_it(self, core: Core) -> None:
        run = self.mapped(core)
        assert send(core, run, "lines", ["x", "y"]) == "taken"
        assert [task.input for task in core.poll("f", 5)] == ["x", "y"]

    def test_an_empty_one(self, core: Core) -> None:
        run = self.mapped(core)
        assert send(core, run, "lines", []) == "taken"
        assert core.run(run).output == {"m": []}

    @pytest.mark.parametrize("payload", [None, 1, "x", {}, {"a": []}])
    def test_what_it_cannot_go_over_is_the_senders_error(self, core: Core, payload: Json) -> None:
        run = self.mapped(core)
        with core.refused('Signal "lines" takes an array, as map "m" goes over it', sqlstate="PF011"):
            send(core, run, "lines", payload)
        assert core.statuses(run) == {"lines": "started", "m": "created"}

    def test_a_large_one_is_noted(self, core: Core) -> None:
        run = waiting(core)
        text = "".join(str(uuid4()) for _ in range(5000))
        assert send(core, run, "answer", text) == "taken"
        assert core.value("select has_large_values from pgflow.prepared_flows where flow_slug = 'f'")
        assert core.poll("f")[0].input == {"answer": text}


class TestDeadline:
    def test_over_it_fails_the_run(self, core: Core) -> None:
        run = waiting(core, deadline=60)
        (timer,) = timers(core)
        assert (timer.kind, timer.run_id, timer.step_slug) == ("deadline", run, "answer")
        pass_time(core, 60)
        assert fire(core).fired_count == 1
        assert core.statuses(run) == {"a": "completed", "answer": "failed", "b": "created"}
        assert core.run(run).error_message == "timed out after 60 s"
        row = core.row("select * from pgflow.get_run_failure(%s)", run)
        assert tuple(row) == ("answer", None, "timed out after 60 s")

    def test_over_it_is_skipped(self, core: Core) -> None:
        run = waiting(core, deadline=60, when_exhausted="skip")
        pass_time(core)
        fire(core)
        step = core.step(run, "answer")
        assert (step.status, step.skip_reason, step.error_message) == (
            "skipped",
            "timed_out",
            "timed out after 60 s",
        )
        (task,) = core.poll("f")
        assert (task.step_slug, task.input) == ("b", {})
        assert send(core, run, "answer", 1) == "late"

    def test_over_it_is_skipped_with_what_depends_on_it(self, core: Core) -> None:
        run = waiting(core, deadline=60, when_exhausted="skip-cascade")
        pass_time(core)
        fire(core)
        assert core.statuses(run) == {"a": "completed", "answer": "skipped", "b": "skipped"}
        assert core.run(run).status == "completed"

    def test_over_a_map_behind_it_has_nothing_to_do(self, core: Core) -> None:
        core.create_flow("f")
        add_signal(core, "f", "lines", deadline=5, when_exhausted="skip")
        core.add_step("f", "m", ["lines"], step_type="map")
        run = core.start_flow("f").run_id
        pass_time(core)
        fire(core)
        assert core.run(run).output == {"m": []}

    def test_what_comes_in_time_stops_it(self, core: Core) -> None:
        run = waiting(core, deadline=60)
        assert send(core, run, "answer", 1) == "taken"
        assert timers(core) == []

    def test_it_counts_from_when_the_step_is_ready(self, core: Core) -> None:
        asking(core, deadline=60)
        core.start_flow("f")
        assert timers(core) == []

    @pytest.mark.parametrize("seconds", [0, -1, 1.5, "60", 31_536_001])
    def test_what_no_deadline_can_be(self, core: Core, seconds: Json) -> None:
        with core.refused("deadline must be a whole number of seconds", sqlstate="PF011"):
            asking(core, deadline=seconds)

    def test_of_two_the_first_by_definition_fails_the_run(self, core: Core) -> None:
        core.create_flow("f")
        for slug, end in (("z", "fail"), ("s", "skip"), ("b", "fail")):
            add_signal(core, "f", slug, deadline=5, when_exhausted=end)
        run = core.start_flow("f").run_id
        pass_time(core)
        assert fire(core).fired_count == 3
        assert core.statuses(run) == {"z": "failed", "s": "started", "b": "started"}
        assert core.run(run).status == "failed"


class TestControl:
    def test_of_a_held_run_it_is_taken_and_nothing_begins(self, core: Core) -> None:
        run = waiting(core)
        hold(core, run)
        assert send(core, run, "answer", 1) == "taken"
        assert (core.queue("f"), core.task(run, "b").waits_for) == ([], "hold")
        let_go(core, run)
        core.work("f")
        assert core.run(run).status == "completed"

    def test_of_a_paused_flow(self, core: Core) -> None:
        run = waiting(core)
        core.call("pause_flow", flow_slug="f")
        assert send(core, run, "answer", 1) == "taken"
        assert core.poll("f") == []
        core.call("resume_flow", flow_slug="f")
        assert core.statuses(run)["b"] == "started"

    def test_cancelled(self, core: Core) -> None:
        run = waiting(core, deadline=60, key=["id"])
        assert cancel(core, run) == ["cancelled"]
        assert core.statuses(run)["answer"] == "cancelled"
        assert send(core, run, "answer", 1) == "late"
        assert (timers(core), core.rows("select * from pgflow.waiting_signals")) == ([], [])

    def test_retried_it_waits_again_with_its_deadline_afresh(self, core: Core) -> None:
        run = waiting(core, deadline=60)
        pass_time(core)
        fire(core)
        assert retry(core, run) == ["retried"]
        assert core.statuses(run) == {"a": "completed", "answer": "started", "b": "created"}
        assert 59 < timers(core)[0].seconds <= 60
        assert len(core.rows("select * from pgflow.waiting_signals")) == 1
        assert send(core, run, "answer", 1) == "taken"
        core.work("f")
        assert core.run(run).status == "completed"

    def test_what_was_kept_before_a_cancellation_is_taken_after_the_retry(self, core: Core) -> None:
        asking(core)
        run = core.start_flow("f").run_id
        send(core, run, "answer", "early", "m")
        cancel(core, run)
        assert send(core, run, "answer", "meanwhile") == "late"
        assert send(core, run, "answer", "early", "m") == "duplicate"
        retry(core, run)
        core.work("f")
        assert core.step(run, "answer").output == "early"

    def test_when_the_run_fails(self, core: Core) -> None:
        core.create_flow("f", max_attempts=1)
        core.add_step("f", "a")
        add_signal(core, "f", "answer", deadline=60)
        run = core.start_flow("f").run_id
        core.poll("f")
        core.fail_task(run, "a")
        assert core.run(run).status == "failed"
        assert (timers(core), core.rows("select * from pgflow.waiting_signals")) == ([], [])
        assert send(core, run, "answer") == "late"

    def test_when_the_whole_run_times_out(self, core: Core) -> None:
        core.create_flow("f", options=Jsonb({"run_timeout": 5}))
        add_signal(core, "f", "answer", deadline=60)
        add_sleep(core, "f", "pause", seconds=60)
        run = core.start_flow("f").run_id
        pass_time(core, 5)
        assert fire(core).fired_count == 1
        assert (core.run(run).status, timers(core)) == ("failed", [])
        assert core.rows("select * from pgflow.waiting_signals") == []

    def test_all_that_is_due_at_once(self, core: Core) -> None:
        core.create_flow("f", options=Jsonb({"run_timeout": 5}))
        add_signal(core, "f", "answer", deadline=4, when_exhausted="skip")
        add_sleep(core, "f", "pause", seconds=4)
        run = core.start_flow("f").run_id
        pass_time(core)
        assert fire(core).fired_count == 3
        assert core.statuses(run) == {"answer": "skipped", "pause": "started"}
        assert core.run(run).status == "failed"

    def test_a_fork_takes_an_answer_over(self, core: Core) -> None:
        run = waiting(core)
        send(core, run, "answer", "yes")
        (row,) = core.call("fork_run", run_id=run, from_steps=["b"])
        assert core.step(row.fork_run, "answer").output == "yes"
        (row,) = core.call("fork_run", run_id=run, from_steps=["answer"])
        assert core.statuses(row.fork_run)["answer"] == "started"
        assert send(core, row.fork_run, "answer", "no") == "taken"

    def test_a_fork_with_another_input_takes_it_over_too(self, core: Core) -> None:
        """What somebody answered does not depend on the run's input; until when a sleep lasts may."""
        core.create_flow("f")
        add_signal(core, "f", "answer")
        add_sleep(core, "f", "short", seconds=0)
        add_sleep(core, "f", "pause", until=["flow_input"])
        core.add_step("f", "b", ["answer"])
        run = core.start_flow("f", 0).run_id
        send(core, run, "answer", "yes")
        with core.refused("may have read it: pause\n", sqlstate="PF011"):
            core.call("fork_run", run_id=run, from_steps=["b"], input=Jsonb(1))
        (row,) = core.call("fork_run", run_id=run, from_steps=["b", "pause"], input=Jsonb(1))
        assert core.step(row.fork_run, "answer").reused

    def test_pruned_with_its_run(self, core: Core) -> None:
        run = waiting(core)
        send(core, run, "answer", 1, "m")
        core.work("f")
        core.run_sql("select pgflow._prune_runs(array[%s]::uuid[])", run)
        assert core.rows("select * from pgflow.signals") == []
        assert send(core, run, "answer", 1, "m") == "no such run"


class TestCalls:
    def test_of_different_lengths(self, core: Core) -> None:
        with core.refused("step_slugs", sqlstate="PF005"):
            core.run_sql("select * from pgflow.send_signals(array[gen_random_uuid()], '{}', '{}')")

    def test_for_too_many_runs(self, core: Core) -> None:
        with core.refused("too many for one call", sqlstate="PF011"):
            send_all(core, *[(uuid4(), "x", 1, None) for _ in range(1001)])

    def test_for_a_thousand_runs_of_two_flows(self, core: Core) -> None:
        asking(core)
        core.create_flow("g")
        add_signal(core, "g", "answer")
        runs = [core.start_flow(flow).run_id for flow in ("f", "g") for _ in range(20)]
        outcomes = send_all(core, *[(run, "answer", number, None) for number, run in enumerate(runs)])
        assert outcomes == ["kept"] * 20 + ["taken"] * 20
        assert [core.run(run).output for run in runs[20:]] == [{"answer": n} for n in range(20, 40)]


class TestTwoAtOnce:
    def test_the_first_to_commit_is_taken(self, live: Core, live_dsn: str) -> None:
        asking(live)
        run = live.start_flow("f").run_id
        live.work("f")
        with Session(live_dsn) as one, Session(live_dsn) as two:
            assert one.do(lambda core: send(core, run, "answer", "one")) == "taken"
            second = two.blocked_or_done(lambda core: send(core, run, "answer", "two"))
            assert not second.done()
            one.commit()
            assert second.result(timeout=30) == "late"
            two.commit()
        assert live.step(run, "answer").output == "one"

    def test_what_is_rolled_back_was_never_sent(self, live: Core, live_dsn: str) -> None:
        asking(live)
        run = live.start_flow("f").run_id
        live.work("f")
        with Session(live_dsn) as one, Session(live_dsn) as two:
            one.do(lambda core: send(core, run, "answer", "one", "m"))
            second = two.blocked_or_done(lambda core: send(core, run, "answer", "two", "m"))
            one.rollback()
            assert second.result(timeout=30) == "taken"
            two.commit()
        assert live.step(run, "answer").output == "two"

    def test_sent_while_the_step_becomes_ready(self, live: Core, live_dsn: str) -> None:
        """It waits for whoever moves the run on, and finds the step waiting."""
        asking(live)
        run = live.start_flow("f").run_id
        live.poll("f")
        with Session(live_dsn) as one, Session(live_dsn) as two:
            one.do(lambda core: core.complete_task(run, "a"))
            sent = two.blocked_or_done(lambda core: send(core, run, "answer", "x"))
            assert not sent.done()
            one.commit()
            assert sent.result(timeout=30) == "taken"
            two.commit()
        assert live.statuses(run)["b"] == "started"

    def test_sent_and_its_deadline_over_at_once(self, live: Core, live_dsn: str) -> None:
        asking(live, deadline=60, when_exhausted="skip")
        run = live.start_flow("f").run_id
        live.work("f")
        pass_time(live)
        with Session(live_dsn) as one:
            assert one.do(lambda core: send(core, run, "answer", "x")) == "taken"
            assert fire(live).fired_count == 0
            one.commit()
        live.run_sql("update pgflow.timers set tried_at = null")
        assert fire(live).fired_count == 0
        assert live.statuses(run)["answer"] == "completed"
