"""Undos and ends: which companions a run's end starts, when, with what, and how often."""

from __future__ import annotations

from typing import Any

import pytest
from psycopg.types.json import Jsonb

from pgflow_runtime.testing.engine.companions import UndoRule
from tests.support.batch import again, claim, complete, fail, register, release
from tests.support.control import cancel, retry, snapshot
from tests.support.core import Core, Row
from tests.support.timers import fire, pass_time
from tests.support.undo_flows import chain, companions_of, fail_undo, failed_chain, work

UNDO_ALL = {"a": UndoRule("undo_a"), "m": UndoRule("undo_m"), "b": UndoRule("undo_b")}


def tasks_of(core: Core, flow: str = "f") -> list[Row]:
    return claim(core, (register(core, flow), flow), max_tasks=100)


def failed_run(core: Core, *, last: str = "boom") -> Row:
    """A run of which a and m have completed and b has failed."""
    run = core.start_flow("f", {"id": 7})
    work(core, "f", [["x", "y"]])
    work(core, "f", ["mx", "my"])
    fail(core, tasks_of(core), [last])
    return core.run(run.run_id)


class TestEnds:
    def test_a_completed_run_tells_how_it_ended(self, core: Core) -> None:
        chain(core)
        run = core.start_flow("f", {"id": 7})
        work(core, "f", [[]])
        work(core, "f", ["done"])
        (end,) = companions_of(core, run.run_id)
        assert (end.kind, end.end_number, end.flow_slug, end.status) == ("end", 1, "f__end_tell", "started")
        assert end.input == {
            "run_end": {
                "run_id": str(run.run_id), "status": "completed", "error": None, "failed_step": None,
                "failed_task": None, "reason": None, "undone": "nothing",
            },
            "steps": {"a": {"done": True, "output": []}, "m": {"done": True, "output": []}},
            "flow_input": {"id": 7},
        }  # fmt: skip

    def test_a_failed_run_tells_by_what(self, core: Core) -> None:
        chain(core)
        run = failed_run(core)
        fire(core)
        told = companions_of(core, run.run_id)[0].input["run_end"]
        assert (told["error"], told["failed_step"], told["failed_task"]) == ("boom", "b", 0)

    def test_of_a_message_with_a_traceback_the_first_line_is_told(self, core: Core) -> None:
        chain(core)
        run = failed_run(core, last="ValueError: no\n  File orders.py, line 7")
        fire(core)
        assert companions_of(core, run.run_id)[0].input["run_end"]["error"] == "ValueError: no"

    def test_a_cancelled_run_tells_why(self, core: Core) -> None:
        chain(core)
        run = core.start_flow("f")
        cancel(core, run.run_id, reason="no longer wanted")
        fire(core)
        (end,) = companions_of(core, run.run_id)
        assert (end.input["run_end"]["reason"], end.input["steps"]["a"]) == (
            "no longer wanted",
            {"done": False},
        )

    @pytest.mark.parametrize("on", ["failed", "cancelled", "completed"])
    def test_an_end_is_for_the_ends_it_names(self, core: Core, on: str) -> None:
        options = Jsonb({"ends": {"f__end_tell": {"on": on}}})
        core.create_flow("f", options=options, max_attempts=1)
        core.add_step("f", "a")
        core.create_flow("f__end_tell", options=Jsonb({"companion": {"of": "f"}}))
        runs = [core.start_flow("f").run_id for _ in range(3)]
        tasks = sorted(tasks_of(core), key=lambda task: runs.index(task.run_id))
        complete(core, tasks[:1])
        fail(core, tasks[1:2])
        cancel(core, runs[2])
        fire(core)
        statuses = ["completed", "failed", "cancelled"]
        assert [len(companions_of(core, run)) for run in runs] == [int(status == on) for status in statuses]

    def test_one_whose_flow_is_not_there_yet_is_left_out(self, core: Core) -> None:
        core.create_flow("f", options=Jsonb({"ends": {"f__end_tell": {"on": "always"}}}))
        run = core.start_flow("f")
        assert run.status == "completed"
        assert fire(core).failed_count == 0
        assert companions_of(core, run.run_id) == []


class TestUndo:
    def test_what_used_a_step_is_undone_before_it(self, core: Core) -> None:
        chain(core, **UNDO_ALL)
        run = failed_run(core)
        fire(core)
        (undo,) = companions_of(core, run.run_id)
        assert (undo.kind, undo.end_number, undo.flow_slug) == ("undo", 1, "f__undo")
        assert undo.input["steps"] == {
            "a": {"done": True, "output": ["x", "y"], "tasks": [[0, 1]]},
            "m": {"done": True, "output": ["mx", "my"], "elements": ["mx", "my"], "tasks": [[0, 1], [1, 1]]},
            "b": {"done": False},
        }
        assert {(task.step_slug, task.input) for task in work(core, "f__undo")} == {
            ("undo_m", "mx"),
            ("undo_m", "my"),
        }
        assert [task.step_slug for task in work(core, "f__undo")] == ["undo_a"]
        ended = companions_of(core, run.run_id)
        assert [(one.kind, one.status) for one in ended] == [("undo", "completed"), ("end", "started")]
        assert ended[1].input["run_end"]["undone"] == "completed"

    def test_a_completed_run_is_not_undone(self, core: Core) -> None:
        chain(core, a=UndoRule("undo_a"))
        run = core.start_flow("f")
        work(core, "f", [[]])
        work(core, "f")
        assert [one.kind for one in companions_of(core, run.run_id)] == ["end"]

    def test_nothing_done_is_nothing_to_undo(self, core: Core) -> None:
        chain(core, a=UndoRule("undo_a"))
        run = core.start_flow("f")
        fail(core, tasks_of(core))
        fire(core)
        (end,) = companions_of(core, run.run_id)
        assert (end.kind, end.input["run_end"]["undone"]) == ("end", "nothing")

    def test_one_that_fails_needs_a_human_until_it_is_retried(self, core: Core) -> None:
        chain(core, a=UndoRule("undo_a"))
        run = failed_run(core)
        fire(core)
        fail(core, tasks_of(core, "f__undo"), ["no money"])
        fire(core)
        undo, end = companions_of(core, run.run_id)
        assert (undo.status, end.input["run_end"]["undone"]) == ("failed", "failed")
        (needed,) = core.call("list_failed_undos")
        assert (needed.of_run_id, needed.run_id, needed.error_message) == (
            run.run_id,
            undo.run_id,
            "no money",
        )
        assert retry(core, undo.run_id) == ["retried"]
        work(core, "f__undo")
        assert core.call("list_failed_undos") == []
        assert [one.kind for one in companions_of(core, run.run_id)] == ["undo", "end"]

    def test_one_that_is_cancelled_needs_a_human_too(self, core: Core) -> None:
        run, undo = failed_chain(core)
        cancel(core, undo, reason="the bank is closed")
        fire(core)
        assert companions_of(core, run)[-1].input["run_end"]["undone"] == "failed"
        (needed,) = core.call("list_failed_undos")
        assert (needed.run_id, needed.error_message) == (undo, "cancelled: the bank is closed")
        assert needed.failed_at == core.run(undo).cancelled_at
        assert core.call("measure_queue", flow_slug="f")[0].failed_undo_count == 1
        assert retry(core, undo) == ["retried"]
        work(core, "f__undo")
        assert core.call("list_failed_undos") == []

    def test_one_whose_flow_is_deleted_has_failed(self, core: Core) -> None:
        run, _ = failed_chain(core)
        core.run_sql("select pgflow.delete_flow_and_data('f__undo')")
        fire(core)
        (end,) = companions_of(core, run)
        assert (end.kind, end.input["run_end"]["undone"]) == ("end", "failed")
        work(core, "f__end_tell")
        assert retry(core, run) == ["retried"]

    def test_failures_kept_as_values_are_not_undone(self, core: Core) -> None:
        chain(core, m=UndoRule("undo_m"))
        core.call("alter_step", flow_slug="f", step_slug="m", when_exhausted="value")
        run = core.start_flow("f")
        work(core, "f", [["x", "y"]])
        first, second = sorted(tasks_of(core), key=lambda task: task.task_index)
        fail(core, [first])
        complete(core, [second], ["my"])
        fail(core, tasks_of(core))
        fire(core)
        (undo,) = companions_of(core, run.run_id)
        assert undo.input["steps"]["m"] == {
            "done": True,
            "output": ["my"],
            "elements": ["my"],
            "tasks": [[1, 1]],
        }

    def test_elements_of_a_map_that_failed_are_undone(self, core: Core) -> None:
        chain(core, m=UndoRule("undo_m"))
        run = core.start_flow("f")
        work(core, "f", [["x", "y"]])
        first, second = sorted(tasks_of(core), key=lambda task: task.task_index)
        complete(core, [first], ["mx"])
        fail(core, [second])
        fire(core)
        (undo,) = companions_of(core, run.run_id)
        assert undo.input["steps"]["m"] == {"done": True, "elements": ["mx"], "tasks": [[0, 1]]}


class TestLateResults:
    def under_way(self, core: Core, when: str = "completed") -> tuple[Row, Row]:
        """A run that is cancelled while a is under way."""
        chain(core, a=UndoRule("undo_a", when))
        run = core.start_flow("f")
        (task,) = tasks_of(core)
        cancel(core, run.run_id)
        fire(core)
        assert companions_of(core, run.run_id) == []
        return run, task

    def test_the_undo_waits_for_them_and_covers_them(self, core: Core) -> None:
        run, task = self.under_way(core)
        before = snapshot(core)
        outcomes = [row.outcome for row in complete(core, [task], [["x"]])]
        assert outcomes[0] == "stale"
        assert snapshot(core) == before
        fire(core)
        (undo,) = companions_of(core, run.run_id)
        assert undo.input["steps"]["a"] == {"done": True, "output": ["x"], "tasks": [[0, 1]]}

    def test_a_late_failure_did_nothing(self, core: Core) -> None:
        run, task = self.under_way(core)
        fail(core, [task])
        fire(core)
        assert [one.kind for one in companions_of(core, run.run_id)] == ["end"]

    def test_a_task_that_is_given_back_has_done_nothing(self, core: Core) -> None:
        run, task = self.under_way(core)
        release(core, [task])
        fire(core)
        assert [one.kind for one in companions_of(core, run.run_id)] == ["end"]

    def test_a_loop_that_asks_for_another_round_is_not_waited_for(self, core: Core) -> None:
        undo = {"flow": "f__undo", "steps": {"a": {"by": "undo_a"}}}
        core.create_flow("f", options=Jsonb({"undo": undo, "ends": {"f__end_tell": {"on": "always"}}}))
        core.create_flow("f__end_tell", options=Jsonb({"companion": {"of": "f"}}))
        core.add_step("f", "a", options=Jsonb({"kind": "loop", "max_rounds": 3}))
        run = core.start_flow("f")
        (task,) = tasks_of(core)
        cancel(core, run.run_id)
        again(core, [task])
        fire(core)
        assert [one.kind for one in companions_of(core, run.run_id)] == ["end"]

    def test_nobody_waits_for_ever(self, core: Core) -> None:
        run, task = self.under_way(core)
        pass_time(core)
        fire(core)
        assert [one.kind for one in companions_of(core, run.run_id)] == ["end"]
        complete(core, [task], [["x"]])
        assert core.value("select reported_at from pgflow.late_results") is None

    @pytest.mark.parametrize("reports", [True, False])
    def test_what_nobody_knows_of_is_undone_where_that_is_asked_for(self, core: Core, reports: bool) -> None:
        run, task = self.under_way(core, "started")
        if reports:
            fail(core, [task])
        pass_time(core)
        fire(core)
        (undo,) = companions_of(core, run.run_id)
        assert undo.input["steps"]["a"] == {"done": True, "tasks": [[0, 1]]}

    def test_results_of_other_workers_count_for_nothing(self, core: Core) -> None:
        run, task = self.under_way(core)
        complete(core, [task._replace(attempt=2)], [["x"]])
        fire(core)
        assert companions_of(core, run.run_id) == []


class TestRetry:
    def test_it_waits_until_the_companions_are_over(self, core: Core) -> None:
        chain(core, a=UndoRule("undo_a"))
        run = failed_run(core)
        for _ in range(3):
            assert retry(core, run.run_id) == ["companions_under_way"]
            fire(core)
            work(core, "f__undo")
        assert retry(core, run.run_id) == ["companions_under_way"]
        work(core, "f__end_tell")
        assert retry(core, run.run_id) == ["was_undone"]
        assert retry(core, run.run_id, options=Jsonb({"even_if_undone": True})) == ["retried"]

    def test_the_second_end_is_told_and_undoes_what_is_new(self, core: Core) -> None:
        chain(core, **UNDO_ALL)
        run = failed_run(core)
        fire(core)
        for flow in ("f__undo", "f__undo", "f__end_tell"):
            work(core, flow)
        retry(core, run.run_id, options=Jsonb({"even_if_undone": True}))
        (task,) = tasks_of(core)
        cancel(core, run.run_id)
        complete(core, [task], ["late"])
        fire(core)
        undo = companions_of(core, run.run_id)[-1]
        assert (undo.kind, undo.end_number) == ("undo", 2)
        assert undo.input["steps"] == {
            "a": {"done": False, "output": ["x", "y"]},
            "m": {"done": False, "output": ["mx", "my"]},
            "b": {"done": True, "output": "late", "tasks": [[0, 2]]},
        }
        assert [task.step_slug for task in work(core, "f__undo")] == ["undo_b"]
        ends = [(one.kind, one.end_number) for one in companions_of(core, run.run_id)]
        assert ends == [("undo", 1), ("end", 1), ("undo", 2), ("end", 2)]

    def test_other_handlers_get_what_the_run_gave_though_only_elements_are_left(self, core: Core) -> None:
        chain(core, **UNDO_ALL)
        run = failed_run(core)
        fire(core)
        first, second = sorted(tasks_of(core, "f__undo"), key=lambda task: task.task_index)
        complete(core, [first])
        fail(core, [second], retryable=[False])
        fire(core)
        work(core, "f__end_tell")
        retry(core, run.run_id, options=Jsonb({"even_if_undone": True}))
        (task,) = tasks_of(core)
        cancel(core, run.run_id)
        complete(core, [task], ["late"])
        fire(core)
        undo = companions_of(core, run.run_id)[-1]
        assert undo.input["steps"]["m"] == {
            "done": True, "output": ["mx", "my"], "elements": ["my"], "tasks": [[1, 1]],
        }  # fmt: skip
        work(core, "f__undo")
        assert [task.input for task in work(core, "f__undo")] == ["my"]

    def test_a_run_that_was_not_undone_goes_on_as_ever(self, core: Core) -> None:
        chain(core)
        run = failed_run(core)
        fire(core)
        work(core, "f__end_tell")
        assert retry(core, run.run_id) == ["retried"]
        work(core, "f")
        assert [one.end_number for one in companions_of(core, run.run_id)] == [1, 2]


class TestRetryOfUndos:
    """Their runs may have been retried meanwhile."""

    EVEN_IF_UNDONE = Jsonb({"even_if_undone": True})

    def test_a_run_that_goes_on_is_not_undone(self, core: Core) -> None:
        run, undo = failed_chain(core)
        fail_undo(core)
        work(core, "f__end_tell")
        assert [one.run_id for one in core.call("list_failed_undos")] == [undo]
        assert retry(core, run, options=self.EVEN_IF_UNDONE) == ["retried"]
        assert retry(core, undo) == ["left_behind"]
        assert core.call("list_failed_undos") == []
        assert core.call("measure_queue", flow_slug="f")[0].failed_undo_count == 0

    def test_what_the_next_undo_has_undone_is_not_undone_again(self, core: Core) -> None:
        run, undo = failed_chain(core)
        fail_undo(core)
        work(core, "f__end_tell")
        retry(core, run, options=self.EVEN_IF_UNDONE)
        cancel(core, run)
        fire(core)
        assert [task.step_slug for task in work(core, "f__undo")] == ["undo_a"]
        assert retry(core, undo) == ["left_behind"]

    def test_run_and_undo_are_not_retried_at_once(self, core: Core) -> None:
        run, undo = failed_chain(core)
        fail_undo(core)
        work(core, "f__end_tell")
        assert retry(core, run, undo, options=self.EVEN_IF_UNDONE) == ["retried", "left_behind"]

    def test_of_a_run_that_stays_as_it_is_the_undo_goes_on(self, core: Core) -> None:
        run, undo = failed_chain(core)
        fail_undo(core)
        work(core, "f__end_tell")
        assert retry(core, run, undo) == ["was_undone", "retried"]


class TestForks:
    def test_what_was_taken_over_is_not_undone_again(self, core: Core) -> None:
        chain(core, **UNDO_ALL)
        run = core.start_flow("f", {})
        work(core, "f", [["x", "y"]])
        (row,) = core.call("fork_run", run_id=run.run_id, from_steps=["m"])
        cancel(core, run.run_id)
        work(core, "f", ["mx"])
        fail(core, tasks_of(core))
        fire(core)
        (undo,) = [one for one in companions_of(core, row.fork_run) if one.kind == "undo"]
        steps: dict[str, Any] = undo.input["steps"]
        assert {slug: step["done"] for slug, step in steps.items()} == {"a": False, "m": True, "b": False}
        assert steps["a"]["output"] == ["x", "y"]

    def test_what_is_undone_is_not_taken_over(self, core: Core) -> None:
        chain(core, **UNDO_ALL)
        run = failed_run(core)
        for _ in range(2):  # before its undo, and after
            with core.refused("undoes what they did: a", sqlstate="PF011"):
                core.call("fork_run", run_id=run.run_id, from_steps=["m"])
            fire(core)
            for _ in UNDO_ALL:
                work(core, "f__undo")
        (row,) = core.call("fork_run", run_id=run.run_id, from_steps=["a", "m"])
        assert core.run(row.fork_run).status == "started"

    def test_what_was_undone_is_not_taken_over_from_a_run_that_went_on(self, core: Core) -> None:
        chain(core, **UNDO_ALL)
        run = failed_run(core)
        fire(core)
        for _ in UNDO_ALL:
            work(core, "f__undo")
        work(core, "f__end_tell")
        assert retry(core, run.run_id, options=Jsonb({"even_if_undone": True})) == ["retried"]
        with core.refused("undoes what they did: a", sqlstate="PF011"):
            core.call("fork_run", run_id=run.run_id, from_steps=["m"])

    def test_companions_themselves_are_not_forked(self, core: Core) -> None:
        chain(core, a=UndoRule("undo_a"))
        run = failed_run(core)
        fire(core)
        undo = companions_of(core, run.run_id)[0]
        with core.refused("is started by the core", sqlstate="PF011"):
            core.call("fork_run", run_id=undo.run_id, from_steps=["undo_a"])


class TestDeleting:
    def prune(self, core: Core) -> int:
        return int(core.value("select pgflow.prune_batch('-1 hour', 100)"))

    def test_a_run_stays_until_its_companions_are_over(self, core: Core) -> None:
        chain(core, a=UndoRule("undo_a"))
        failed_run(core)
        assert self.prune(core) == 0
        fire(core)
        assert self.prune(core) == 0
        work(core, "f__undo")
        work(core, "f__end_tell")
        assert self.prune(core) == 3
        assert core.rows("select 1 from pgflow.origins union all select 1 from pgflow.late_results") == []

    def test_an_undo_stays_while_its_run_goes_on(self, core: Core) -> None:
        chain(core, a=UndoRule("undo_a"))
        run = failed_run(core)
        fire(core)
        work(core, "f__undo")
        work(core, "f__end_tell")
        retry(core, run.run_id, options=Jsonb({"even_if_undone": True}))
        assert self.prune(core) == 0


class TestDefinition:
    def test_nobody_else_starts_a_companion(self, core: Core) -> None:
        chain(core, a=UndoRule("undo_a"))
        for flow in ("f__undo", "f__end_tell"):
            with core.refused('is started by the core, when a run of "f" has ended', sqlstate="PF011"):
                core.start_flow(flow)

    def test_the_structure_says_what_undoes_a_step(self, core: Core) -> None:
        chain(core, m=UndoRule("undo_m", "started"))
        steps = core.value("select pgflow.get_flow_definition('f') -> 'structure' -> 'steps'")
        assert {step["slug"]: step.get("undo") for step in steps} == {"a": None, "m": "undo_m", "b": None}

    @pytest.mark.parametrize(
        "options",
        [
            {"undo": {}},
            {"undo": "x"},
            {"undo": {"flow": "u", "steps": {}}},
            {"undo": {"flow": "u", "steps": {"a": {}}}},
            {"undo": {"flow": "u", "steps": {"a": {"by": "b", "when": "never"}}}},
            {"ends": []},
            {"ends": {"e": {"on": "sunday"}}},
            {"ends": {"e": 1}},
            {"companion": {}},
            {"companion": {"of": "f"}, "ends": {"e": {"on": "failed"}}},
        ],
    )
    def test_what_says_nothing_of_companions_is_refused(self, core: Core, options: dict[str, Any]) -> None:
        with core.refused("of a flow is not one", sqlstate="PF011"):
            core.create_flow("g", options=Jsonb(options))
