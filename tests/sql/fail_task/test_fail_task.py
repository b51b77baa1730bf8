"""Attempts, and what the last one leads to (skipping is in tests/sql/conditions)
(specification/core.md, "Failing").
"""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest

from tests.support.core import Core


def started(core: Core, *steps: str, input: object = None, **options: int) -> UUID:
    core.flow("f", *steps, **options)
    run = core.start_flow("f", input)
    core.poll("f", 100)
    result: UUID = run.run_id
    return result


class TestRetry:
    def test_the_task_is_queued_again(self, core: Core) -> None:
        run_id = started(core, "a", "b < a")
        (row,) = core.fail_task(run_id, "a", 0, "first")
        assert row == core.task(run_id, "a")
        assert (row.status, row.started_at, row.attempts_count) == ("queued", None, 1)
        assert (row.error_message, row.failed_at) == ("first", None)

    def test_step_and_run_go_on(self, core: Core) -> None:
        run_id = started(core, "a", "b < a")
        before, step = core.run(run_id), core.step(run_id, "a")
        core.fail_task(run_id, "a")
        assert (core.run(run_id), core.step(run_id, "a")) == (before, step)
        assert core.archive("f") == []

    @pytest.mark.parametrize(
        ("base", "attempts", "delay"), [(5, 1, 10), (5, 2, 20), (1, 1, 2), (1, 2, 4), (3, 3, 24), (0, 1, 0)]
    )
    def test_delay_doubles(self, core: Core, base: int, attempts: int, delay: int) -> None:
        run_id = started(core, "a", max_attempts=9, base_delay=base)
        core.run_sql("update pgflow.step_tasks set attempts_count = %s", attempts)
        before = core.clock().timestamp()
        core.fail_task(run_id, "a")
        after = core.clock().timestamp()
        (message,) = core.queue("f")
        assert before - 0.001 <= message.vt.timestamp() - delay <= after + 0.001

    def test_the_step_has_its_own_delay(self, core: Core) -> None:
        core.create_flow("f", base_delay=50)
        core.add_step("f", "a", [], base_delay=3, start_delay=0)
        run = core.start_flow("f")
        core.poll("f")
        before = core.clock().timestamp()
        core.fail_task(run.run_id, "a")
        after = core.clock().timestamp()
        assert before - 0.001 <= core.queue("f")[0].vt.timestamp() - 6 <= after + 0.001

    def test_start_delay_does_not_matter_for_retries(self, core: Core) -> None:
        core.create_flow("f", base_delay=3)
        core.add_step("f", "a", [], start_delay=500)
        run = core.start_flow("f")
        core.run_sql("select pgmq.set_vt('f', msg_id, 0) from pgmq.q_f")
        core.poll("f")
        before = core.clock().timestamp()
        core.fail_task(run.run_id, "a")
        after = core.clock().timestamp()
        assert before - 0.001 <= core.queue("f")[0].vt.timestamp() - 6 <= after + 0.001

    def test_an_overflowing_delay_is_a_day(self, core: Core) -> None:
        run_id = started(core, "a", max_attempts=1000, base_delay=2_000_000_000)
        for attempts in (1, 31, 100, 999):
            core.run_sql(
                "update pgflow.step_tasks set status = 'started', attempts_count = %s, started_at = now()",
                attempts,
            )
            before = core.clock().timestamp()
            (row,) = core.fail_task(run_id, "a")
            after = core.clock().timestamp()
            assert row.status == "queued"
            assert before - 0.001 <= core.queue("f")[0].vt.timestamp() - 86_400 <= after + 0.001

    def test_the_retried_task_can_be_started_again(self, core: Core) -> None:
        run_id = started(core, "a", base_delay=0)
        core.fail_task(run_id, "a")
        (record,) = core.poll("f")
        assert record.step_slug == "a"
        assert core.task(run_id, "a").attempts_count == 2

    def test_each_task_of_a_map_has_its_attempts(self, core: Core) -> None:
        run_id = started(core, "m:map", input=[1, 2], max_attempts=2, base_delay=0)
        core.fail_task(run_id, "m", 0)
        core.poll("f")
        core.fail_task(run_id, "m", 1)
        assert core.run(run_id).status == "started"
        core.fail_task(run_id, "m", 0)
        assert core.run(run_id).status == "failed"

    @pytest.mark.parametrize(
        ("backoff", "max_delay", "attempts", "delay"),
        [
            ("fixed", None, 1, 5),
            ("fixed", None, 4, 5),
            ("fixed", 3, 1, 3),
            ("exponential", None, 2, 20),
            ("exponential", 12, 1, 10),
            ("exponential", 12, 2, 12),
            (None, 12, 2, 12),
        ],
    )
    def test_strategy_of_the_flow(
        self, core: Core, backoff: str | None, max_delay: int | None, attempts: int, delay: int
    ) -> None:
        core.create_flow("f", max_attempts=9, base_delay=5, backoff=backoff, max_delay=max_delay)
        core.add_step("f", "a")
        self.check_delay(core, attempts, delay)

    @pytest.mark.parametrize(
        ("backoff", "max_delay", "delay"), [("fixed", None, 5), (None, 6, 6), (None, None, 15)]
    )
    def test_strategy_of_the_step_comes_first(
        self, core: Core, backoff: str | None, max_delay: int | None, delay: int
    ) -> None:
        core.create_flow("f", max_attempts=9, base_delay=5, backoff="exponential", max_delay=15)
        core.add_step("f", "a", [], backoff=backoff, max_delay=max_delay)
        self.check_delay(core, 2, delay)

    def check_delay(self, core: Core, attempts: int, delay: int) -> None:
        run = core.start_flow("f")
        core.poll("f")
        core.run_sql("update pgflow.step_tasks set attempts_count = %s", attempts)
        before = core.clock().timestamp()
        core.fail_task(run.run_id, "a")
        after = core.clock().timestamp()
        assert before - 0.001 <= core.queue("f")[0].vt.timestamp() - delay <= after + 0.001


class TestExhausted:
    @pytest.mark.parametrize("limit", [0, 1])
    def test_zero_and_one_mean_one_attempt(self, core: Core, limit: int) -> None:
        run_id = started(core, "a", max_attempts=limit)
        (row,) = core.fail_task(run_id, "a", 0, "boom")
        assert row == core.task(run_id, "a")
        assert (row.status, row.failed_at, row.error_message) == ("failed", core.now(), "boom")
        assert (row.attempts_count, row.completed_at) == (1, None)

    def test_the_limit_of_the_step_comes_first(self, core: Core) -> None:
        core.create_flow("f", max_attempts=9, base_delay=0)
        core.add_step("f", "a", [], max_attempts=2)
        run = core.start_flow("f")
        core.poll("f")
        assert core.fail_task(run.run_id, "a")[0].status == "queued"
        core.poll("f")
        assert core.fail_task(run.run_id, "a")[0].status == "failed"

    def test_step_and_run_fail(self, core: Core) -> None:
        run_id = started(core, "a", "b < a", max_attempts=1)
        core.fail_task(run_id, "a", 0, "boom")
        step, run = core.step(run_id, "a"), core.run(run_id)
        assert (step.status, step.failed_at, step.error_message) == ("failed", core.now(), "boom")
        assert (run.status, run.failed_at, run.completed_at) == ("failed", core.now(), None)
        assert run.remaining_steps == 2
        assert run.output is None

    def test_the_run_keeps_the_message(self, core: Core) -> None:
        run_id = started(core, "a", max_attempts=1)
        core.fail_task(run_id, "a", 0, "boom")
        assert core.run(run_id).error_message == "boom"

    def test_all_messages_of_the_run_are_archived(self, core: Core) -> None:
        core.flow("f", "a", "b", "m:map", max_attempts=1)
        other = core.start_flow("f", [9])
        run = core.start_flow("f", [1, 2])
        kept = {task.message_id for task in core.tasks(other.run_id)}
        core.start_tasks(
            "f", [core.task(run.run_id, "a").message_id, core.task(run.run_id, "m", 1).message_id]
        )
        core.fail_task(run.run_id, "a")
        assert {row.msg_id for row in core.queue("f")} == kept
        assert len(core.archive("f")) == 4

    def test_siblings_and_dependents_keep_their_state(self, core: Core) -> None:
        run_id = started(core, "a", "b", "c < a", "m:map", input=[1, 2], max_attempts=1)
        core.complete_task(run_id, "m", 0, 1)
        core.fail_task(run_id, "a", 0, "boom")
        assert core.statuses(run_id) == {"a": "failed", "b": "started", "c": "created", "m": "started"}
        assert [core.step(run_id, slug).error_message for slug in "bcm"] == [None, None, None]
        assert core.task(run_id, "b").status == "started"
        assert [task.status for task in core.tasks(run_id, "m")] == ["completed", "started"]

    def test_a_null_message(self, core: Core) -> None:
        run_id = started(core, "a", max_attempts=1)
        (row,) = core.fail_task(run_id, "a", 0, None)
        assert (row.status, row.error_message) == ("failed", None)


class TestRefused:
    def test_a_queued_task(self, core: Core) -> None:
        core.flow("f", "a", max_attempts=1)
        run = core.start_flow("f")
        before = (core.task(run.run_id, "a"), core.queue("f")[0].vt)
        (row,) = core.fail_task(run.run_id, "a")
        assert row == before[0]
        assert core.queue("f")[0].vt == before[1]
        assert core.run(run.run_id) == run

    def test_a_retried_task_is_not_postponed(self, core: Core) -> None:
        run_id = started(core, "a", base_delay=7)
        core.fail_task(run_id, "a", 0, "first")
        before = core.queue("f")[0].vt
        (row,) = core.fail_task(run_id, "a", 0, "second")
        assert (row.status, row.error_message) == ("queued", "first")
        assert core.queue("f")[0].vt == before

    def test_a_completed_task(self, core: Core) -> None:
        run_id = started(core, "a", "b", max_attempts=1)
        core.complete_task(run_id, "a", 0, 1)
        before, events = core.run(run_id), len(core.events())
        (row,) = core.fail_task(run_id, "a")
        assert (row.status, row.output, row.error_message) == ("completed", 1, None)
        assert (core.run(run_id), len(core.events())) == (before, events)

    def test_a_completed_task_of_an_open_map(self, core: Core) -> None:
        run_id = started(core, "m:map", input=[1, 2], max_attempts=1)
        core.complete_task(run_id, "m", 0, 1)
        (row,) = core.fail_task(run_id, "m", 0)
        assert row.status == "completed"
        assert core.run(run_id).status == "started"

    def test_a_failed_task_keeps_its_first_message(self, core: Core) -> None:
        run_id = started(core, "a", max_attempts=1)
        core.fail_task(run_id, "a", 0, "first")
        events = len(core.events())
        (row,) = core.fail_task(run_id, "a", 0, "second")
        assert row.error_message == "first"
        assert core.step(run_id, "a").error_message == "first"
        assert len(core.events()) == events

    @pytest.mark.parametrize(
        "change",
        [
            "status = 'skipped', skip_reason = 'x', skipped_at = now(), remaining_tasks = null",
            "status = 'completed', completed_at = now(), remaining_tasks = 0",
        ],
    )
    def test_a_late_call_archives_the_message_and_nothing_else(self, core: Core, change: str) -> None:
        run_id = started(core, "a", "b < a", max_attempts=1)
        core.run_sql(f"update pgflow.step_states set {change} where step_slug = 'a'")
        before = (core.task(run_id, "a"), core.run(run_id), len(core.events()))
        (row,) = core.fail_task(run_id, "a", 0, "late")
        assert (row, core.run(run_id), len(core.events())) == before
        assert (len(core.queue("f")), len(core.archive("f"))) == (0, 1)

    def test_a_started_task_of_a_failed_run_fails_too(self, core: Core) -> None:
        run_id = started(core, "a", "b", max_attempts=3)
        core.run_sql("update pgflow.runs set status = 'failed', failed_at = now()")
        events = len(core.events())
        (row,) = core.fail_task(run_id, "b", 0, "mine too")
        assert (row.status, row.failed_at, row.error_message) == ("failed", core.now(), "mine too")
        assert row.message_id not in {message.msg_id for message in core.queue("f")}
        assert row.message_id in {message.msg_id for message in core.archive("f")}
        assert core.step(run_id, "b").status == "started"
        assert len(core.events()) == events

    def test_a_queued_task_of_a_failed_run_stays_queued(self, core: Core) -> None:
        core.flow("f", "a", "b", max_attempts=1)
        run = core.start_flow("f")
        core.poll("f")
        core.fail_task(run.run_id, "a")
        (row,) = core.fail_task(run.run_id, "b")
        assert row.status == "queued"

    def test_unknown_tasks(self, core: Core) -> None:
        run_id = started(core, "a")
        assert core.fail_task(uuid4(), "a") == []
        assert core.fail_task(run_id, "nope") == []
        assert core.fail_task(run_id, "a", 7) == []
        assert core.statuses(run_id) == {"a": "started"}
