"""What does not fit into a value, or cannot be put together, is the trouble of one task and one run."""

from __future__ import annotations

from uuid import UUID

from tests.support.batch import claim, complete, register
from tests.support.core import Core

PART = 140_000_000
"""Bytes of each of two outputs: together they exceed what one jsonb holds, 256 MB."""


def poison(core: Core, flow_slug: str = "f", **join: object) -> UUID:
    """A run whose join is queued, with an input that does not fit."""
    core.flow(flow_slug, "a", "b")
    core.add_step(flow_slug, "join", ["a", "b"], **join)
    run_id: UUID = core.start_flow(flow_slug, 0).run_id
    core.poll(flow_slug, 2)
    core.complete_task(run_id, "a")
    core.complete_task(run_id, "b")
    enlarge(core, run_id, "a", "b")
    return run_id


def enlarge(core: Core, run_id: UUID, *slugs: str, size: int = PART) -> None:
    """Large outputs by hand, the quickest way: nothing says beforehand that values are large."""
    core.run_sql(
        "update pgflow.step_states set output = to_jsonb(repeat('x', %s)) "
        "where run_id = %s and step_slug = any(%s)", size, run_id, list(slugs),
    )  # fmt: skip


def words_of(core: Core, run_id: UUID, slug: str = "join") -> str:
    words: str = core.task(run_id, slug).error_message
    return words


def told(words: str) -> None:
    assert 'step "join"' in words
    assert "280,000,0" in words, "how large"
    assert "268435455" in words, "what fits"
    assert "elsewhere" in words, "what to do"


def test_an_input_that_does_not_fit_fails_its_task_and_others_are_given(core: Core) -> None:
    """By each way a task is given out; made once, as it is dear."""
    run_id = poison(core)
    core.flow("g", "s")
    other = core.start_flow("g", 1).run_id
    same = core.start_flow("f", 1).run_id
    worker = register(core, "f")

    def failed() -> None:
        run = core.run(run_id)
        assert (run.status, core.step(run_id, "join").status) == ("failed", "failed")
        told(words_of(core, run_id))
        assert run.error_message == words_of(core, run_id)
        assert core.task(run_id, "join").attempts_count == 1
        assert {message.message["run_id"] for message in core.queue("f")} == {str(same)}

    with core.connection.transaction(force_rollback=True):
        tasks = claim(core, (worker, "f"), (register(core, "g"), "g"))
        assert {(task.run_id, task.step_slug) for task in tasks} == {(other, "s"), (same, "a"), (same, "b")}
        failed()
    with core.connection.transaction(force_rollback=True):
        assert {(task.run_id, task.step_slug) for task in core.poll("f", 10)} == {(same, "a"), (same, "b")}
        failed()
    with core.connection.transaction(force_rollback=True):
        core.run_sql("update pgflow.steps set when_exhausted = 'skip' where step_slug = 'join'")
        claim(core, (worker, "f"))
        step = core.step(run_id, "join")
        assert (step.status, step.skip_reason) == ("skipped", "handler_failed")
        assert core.run(run_id).status == "completed"
    with core.connection.transaction(force_rollback=True):
        core.run_sql("update pgflow.steps set when_exhausted = 'skip' where step_slug = 'join'")
        core.run_sql("alter table pgflow.step_states add constraint unlucky check (status <> 'skipped')")
        assert len(claim(core, (worker, "f"))) == 2
        failed()


def test_a_hand_over_fails_it_and_gives_the_others(core: Core) -> None:
    core.flow("f", "a", "b", "c", "join < a b c")
    run_id = core.start_flow("f", 0).run_id
    worker = register(core, "f")
    *first, last = sorted(claim(core, (worker, "f")), key=lambda task: str(task.step_slug))
    complete(core, first)
    enlarge(core, run_id, "a", "b")
    healthy = core.start_flow("f", 0).run_id
    outcome = complete(core, [last, *claim(core, (worker, "f"))], hand_over=10)
    assert [(row.outcome, row.run_id, row.step_slug) for row in outcome] == [("claimed", healthy, "join")]
    assert core.task(run_id, "c").status == "completed"
    told(words_of(core, run_id))


def test_a_run_whose_outputs_do_not_fit_fails_with_words_and_others_complete(core: Core) -> None:
    core.flow("f", "a", "b", "c")
    worker = register(core, "f")
    run_id = core.start_flow("f", 0).run_id
    others = [core.start_flow("f", 0).run_id for _ in range(2)]
    tasks = claim(core, (worker, "f"))
    last = [task for task in tasks if task.step_slug == "c"]
    complete(core, [task for task in tasks if task.step_slug != "c"])
    enlarge(core, run_id, "a", "b")
    assert complete(core, last, ["x" * 300_000] * 3) == []
    run = core.run(run_id)
    assert (run.status, run.remaining_steps, run.output) == ("failed", 0, None)
    assert "268435455" in run.error_message
    assert "elsewhere" in run.error_message
    assert core.event_names(run_id)[-1] == "run:failed"
    for other in others:
        run = core.run(other)
        assert (run.status, run.remaining_steps) == ("completed", 0)
        assert run.output.keys() == {"a", "b", "c"}
        assert core.event_names(other)[-1] == "run:completed"
    assert core.queue("f") == []


def test_a_claim_takes_so_many_bytes_and_at_least_one_task(core: Core) -> None:
    """64 MB a call, of start_tasks too; the others keep their turn and their attempt."""
    core.flow("f", "s")
    core.run_sql("select from pgflow.start_flows('f', array_fill(to_jsonb(repeat('x', 33000000)), array[3]))")
    worker = register(core, "f")
    seen: list[int] = [task.msg_id for task in core.poll("f", 10)]
    assert len(seen) == 2
    core.run_sql("select from pgflow.start_flows('f', array_fill(to_jsonb(repeat('x', 33000000)), array[2]))")
    for expected in (2, 1, 0):
        tasks = claim(core, (worker, "f"))
        assert len(tasks) == expected
        assert {task.attempt for task in tasks} <= {1}
        seen += [task.msg_id for task in tasks]
    assert seen == sorted(set(seen))


def test_a_caller_may_name_its_budget(core: Core) -> None:
    core.flow("f", "s")
    core.run_sql("select from pgflow.start_flows('f', array_fill(to_jsonb(repeat('x', 1000)), array[10]))")
    worker = register(core, "f")
    call = "select * from pgflow.claim_tasks(%s, array['f'], 10, max_bytes => %s)"
    assert len(core.rows(call, [worker], 3_500)) == 3
    assert len(core.rows(call, [worker], 1)) == 1
    assert len(core.rows(call, [worker], 0)) == 1
    assert len(core.rows(call, [worker], -1)) == 1
    assert len(core.rows(call, [worker], 2**31 - 1)) == 4


def test_numbers_that_are_small_in_jsonb_and_large_as_text(core: Core) -> None:
    """A caller that could not read its tasks asks for measured ones: 1e131071 has 131,072 digits."""
    core.flow("f", "s")
    numbers = "(('[' || repeat('1e131071,', 4500) || '1]')::jsonb)"
    run_id = core.value(f"select run_id from pgflow.start_flow('f', {numbers})")
    other = core.start_flow("f", 1).run_id
    tasks = core.rows(
        "select run_id, input::text from pgflow.claim_tasks(%s, array['f'], 10, max_bytes => 1000000)",
        [register(core, "f")],
    )
    assert [task.run_id for task in tasks] == [other]
    assert "589,833,005 bytes" in words_of(core, run_id, "s")
