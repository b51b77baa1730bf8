"""The composite type that `start_tasks` returns (specification/core.md, "Claiming")."""

from __future__ import annotations

from tests.support.core import Core


def attributes(core: Core, type_name: str) -> list[tuple[str, str]]:
    found = core.rows(
        """select attname, format_type(atttypid, atttypmod) as type from pg_attribute
           where attrelid = %s::regclass and attnum > 0 and not attisdropped order by attnum""",
        type_name,
    )
    return [(row.attname, row.type) for row in found]


def test_attributes_and_their_order(core: Core) -> None:
    assert attributes(core, "pgflow.step_task_record") == [
        ("flow_slug", "text"),
        ("run_id", "uuid"),
        ("step_slug", "text"),
        ("input", "jsonb"),
        ("msg_id", "bigint"),
        ("task_index", "integer"),
        ("flow_input", "jsonb"),
    ]


def test_functions_return_it_and_the_task_rows(core: Core) -> None:
    found = core.rows(
        """select proname, prorettype::regtype::text as type, proretset from pg_proc
           where pronamespace = 'pgflow'::regnamespace
             and proname in ('start_tasks', 'complete_task', 'fail_task', 'start_flow')"""
    )
    assert {(row.proname, row.type.removeprefix("pgflow."), row.proretset) for row in found} == {
        ("start_tasks", "step_task_record", True),
        ("complete_task", "step_tasks", True),
        ("fail_task", "step_tasks", True),
        ("start_flow", "runs", True),
    }


def test_it_is_usable_as_variable_and_array(core: Core) -> None:
    core.flow("f", "a")
    core.start_flow("f", {"x": 1})
    worker = core.worker("f")
    core.run_sql(
        f"""do $$
        declare
          task pgflow.step_task_record;
          tasks pgflow.step_task_record[];
        begin
          select * into task from pgflow.start_tasks('f', array[1]::bigint[], '{worker}');
          tasks := array[task];
          assert tasks[1].step_slug = 'a' and tasks[1].flow_input = '{{"x": 1}}', tasks::text;
        end $$"""
    )


def test_public_functions_have_no_overloads(core: Core) -> None:
    found = core.rows(
        """select proname from pg_proc where pronamespace = 'pgflow'::regnamespace
           group by proname having count(*) > 1"""
    )
    assert found == []
