"""The functions that send, read and archive a flow's messages live as long as the flow."""

from __future__ import annotations

from uuid import uuid4

from psycopg.types.json import Jsonb

from tests.support.core import Core


def functions(core: Core) -> set[str]:
    found = core.rows("select proname from pg_proc where pronamespace = 'pgflow'::regnamespace")
    return {row.proname for row in found if ":" in row.proname}


def test_they_come_and_go_with_the_flow(core: Core) -> None:
    assert functions(core) == set()
    core.create_flow("f")
    core.create_flow("MyFlow")
    assert functions(core) == {
        f"_{what}:{f}" for what in ("send", "read", "archive") for f in ("f", "MyFlow")
    }
    core.run_sql("select pgflow.delete_flow_and_data('f')")
    assert functions(core) == {"_send:MyFlow", "_read:MyFlow", "_archive:MyFlow"}
    core.run_sql("delete from pgflow.flows")
    assert functions(core) == set()


def test_nobody_else_may_call_them(core: Core) -> None:
    core.create_flow("f")
    assert not core.rows(
        """select 1 from pg_proc p where pronamespace = 'pgflow'::regnamespace
           and has_function_privilege('public', p.oid, 'execute')"""
    )


def test_capital_letters_and_the_longest_slug(core: Core) -> None:
    for slug in ("MyFlow", "F" * 47):
        core.flow(slug, "a", "b < a")
        worker_id = uuid4()
        core.run_sql("select pgflow.register_worker(%s, %s, 'w')", worker_id, slug)
        run = core.start_flow(slug, {})
        for step in ("a", "b"):
            (task,) = core.rows("select * from pgflow.claim_tasks(array[%s], array[%s], 5)", worker_id, slug)
            assert task.step_slug == step
            core.complete_task(run.run_id, step, 0, 1)
        assert core.run(run.run_id).status == "completed"


def test_an_archived_message_keeps_all_its_columns(core: Core) -> None:
    core.flow("f", "a")
    run = core.start_flow("f")
    core.poll("f")
    core.run_sql("update pgmq.q_f set headers = %s", Jsonb({"k": 1}))
    (before,) = core.rows("select * from pgmq.q_f")
    core.complete_task(run.run_id, "a", 0, 1)
    (after,) = core.rows("select * from pgmq.a_f")
    assert {**after._asdict(), **before._asdict()} == after._asdict()
    assert core.rows("select * from pgmq.q_f") == []


def test_a_queue_that_was_made_anew(core: Core) -> None:
    core.flow("f", "a")
    core.start_flow("f")
    core.work("f", 1)
    core.run_sql("select pgmq.drop_queue('f')")
    core.create_flow("f")
    core.start_flow("f")
    core.work("f", 2)
    assert len(core.archive("f")) == 1
