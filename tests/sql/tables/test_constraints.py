"""What the tables refuse (specification/core.md, "Constraints")."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from tests.support.core import Core

CHECK, FOREIGN, UNIQUE, NULL = "23514", "23503", "23505", "23502"
PAST, FUTURE = "now() - interval '1 hour'", "now() + interval '1 hour'"


@pytest.fixture
def run_id(core: Core) -> UUID:
    """A started run of flow `f` with a started root `a` and a created dependent `b`."""
    core.flow("f", "a", "b < a")
    run = core.start_flow("f")
    core.poll("f")
    result: UUID = run.run_id
    return result


@pytest.mark.parametrize("slug", ["", "1a", "a-b", "a b", "run", "x" * 129, "ä"])
def test_flow_slugs(core: Core, slug: str) -> None:
    message = 'new row for relation "flows" violates check constraint "slug_is_valid"'
    with core.refused(message, sqlstate=CHECK, constraint="slug_is_valid"):
        core.insert("flows", flow_slug=slug)


@pytest.mark.parametrize(
    ("column", "value"),
    [("opt_max_attempts", -1), ("opt_base_delay", -1), ("opt_timeout", 0), ("opt_timeout", -1)],
)
def test_flow_options(core: Core, column: str, value: int) -> None:
    with core.refused(sqlstate=CHECK):
        core.insert("flows", flow_slug="f", **{column: value})


@pytest.mark.parametrize("column", ["opt_max_attempts", "opt_base_delay", "opt_timeout"])
def test_flow_options_are_not_null(core: Core, column: str) -> None:
    with core.refused(sqlstate=NULL):
        core.insert("flows", flow_slug="f", **{column: None})


@pytest.mark.parametrize(
    ("columns", "constraint"),
    [
        ({"step_slug": "1a"}, "steps_step_slug_check"),
        ({"step_slug": "run"}, "steps_step_slug_check"),
        ({"step_slug": ""}, "steps_step_slug_check"),
        ({"step_type": "other"}, "steps_step_type_check"),
        ({"step_type": ""}, "steps_step_type_check"),
        ({"opt_start_delay": -1}, "opt_start_delay_is_nonnegative"),
        ({"when_unmet": "cascade"}, "when_unmet_is_valid"),
        ({"when_exhausted": "ignore"}, "when_exhausted_is_valid"),
        ({"required_input_pattern": "[1]"}, "required_input_pattern_is_object"),
        ({"required_input_pattern": "null"}, "required_input_pattern_is_object"),
        ({"forbidden_input_pattern": '"x"'}, "forbidden_input_pattern_is_object"),
        ({"forbidden_input_pattern": "1"}, "forbidden_input_pattern_is_object"),
        ({"opt_max_attempts": -1}, None),
        ({"opt_base_delay": -1}, None),
        ({"opt_timeout": 0}, None),
        ({"deps_count": -1}, None),
    ],
)
def test_steps(core: Core, columns: dict[str, Any], constraint: str | None) -> None:
    core.create_flow("f")
    with core.refused('new row for relation "steps" violates', sqlstate=CHECK, constraint=constraint):
        core.insert("steps", **{"flow_slug": "f", "step_slug": "a", **columns})


@pytest.mark.parametrize(
    "columns",
    [
        {"opt_max_attempts": 0},
        {"opt_base_delay": 0},
        {"opt_timeout": 1},
        {"opt_start_delay": 0},
        {"when_unmet": "fail"},
        {"when_unmet": "skip-cascade"},
        {"when_exhausted": "skip"},
        {"when_exhausted": "skip-cascade"},
        {"required_input_pattern": "{}"},
        {"forbidden_input_pattern": '{"a": 1}'},
        {"step_type": "map"},
    ],
)
def test_steps_at_the_edges_of_what_is_allowed(core: Core, columns: dict[str, Any]) -> None:
    core.create_flow("f")
    core.insert("steps", flow_slug="f", step_slug="a", **columns)


def test_step_of_an_unknown_flow(core: Core) -> None:
    message = 'insert or update on table "steps" violates foreign key constraint "steps_flow_slug_fkey"'
    with core.refused(message, sqlstate=FOREIGN):
        core.insert("steps", flow_slug="nope", step_slug="a")


def test_step_indexes_are_unique_in_a_flow(core: Core) -> None:
    core.flow("f", "a")
    core.create_flow("g")
    core.insert("steps", flow_slug="g", step_slug="a", step_index=0)
    message = 'duplicate key value violates unique constraint "steps_flow_slug_step_index_key"'
    with core.refused(message, sqlstate=UNIQUE):
        core.insert("steps", flow_slug="f", step_slug="b", step_index=0)


def test_no_step_depends_on_itself(core: Core) -> None:
    core.flow("f", "a")
    message = 'new row for relation "deps" violates check constraint "deps_check"'
    with core.refused(message, sqlstate=CHECK):
        core.insert("deps", flow_slug="f", dep_slug="a", step_slug="a")


def test_both_ends_of_a_dependency_exist(core: Core) -> None:
    core.flow("f", "a")
    message = (
        'insert or update on table "deps" violates foreign key constraint "deps_flow_slug_dep_slug_fkey"'
    )
    with core.refused(message, sqlstate=FOREIGN):
        core.insert("deps", flow_slug="f", dep_slug="nope", step_slug="a")
    with core.refused(sqlstate=FOREIGN):
        core.insert("deps", flow_slug="f", dep_slug="a", step_slug="nope")


@pytest.mark.parametrize(
    "change",
    [
        "status = 'created'",
        "remaining_steps = -1",
        "status = 'completed', completed_at = now(), failed_at = now()",
        f"completed_at = {PAST}",
        f"failed_at = {PAST}",
    ],
)
def test_runs(core: Core, run_id: UUID, change: str) -> None:
    with core.refused(sqlstate=CHECK):
        core.run_sql(f"update pgflow.runs set {change}")


@pytest.mark.parametrize("table", ["flows", "steps", "runs", "step_states"])
@pytest.mark.parametrize("how", ["delete from", "truncate"])
def test_what_others_rest_on_stays(core: Core, run_id: UUID, table: str, how: str) -> None:
    core.run_sql("delete from pgflow.deps")
    cascade = " cascade" if how == "truncate" and table in ("flows", "steps") else ""
    with core.refused("belong to them|is still referenced", sqlstate=FOREIGN):
        core.run_sql(f"{how} pgflow.{table}{cascade}")


@pytest.mark.parametrize(
    "change",
    [
        "flows set flow_slug = 'g'",
        "steps set step_slug = step_slug || '_'",
        "runs set run_id = gen_random_uuid()",
        "runs set flow_slug = 'g'",
        "step_states set step_slug = step_slug || '_' where status = 'started'",
        "step_states set run_id = gen_random_uuid()",
    ],
)
def test_keys_that_others_are_found_by_stay(core: Core, run_id: UUID, change: str) -> None:
    core.run_sql("delete from pgflow.deps")
    with core.refused(sqlstate=FOREIGN):
        core.run_sql(f"update pgflow.{change}")


def test_all_may_be_emptied_at_once(core: Core, run_id: UUID) -> None:
    core.run_sql("update pgflow.runs set run_id = run_id, flow_slug = flow_slug")
    core.run_sql("truncate pgflow.runs, pgflow.step_states, pgflow.step_tasks")
    core.run_sql("delete from pgflow.deps")
    core.run_sql("delete from pgflow.steps")
    core.run_sql("delete from pgflow.flows")


@pytest.mark.parametrize(
    ("slug", "change"),
    [
        ("a", "status = 'queued'"),
        ("a", "remaining_deps = -1"),
        ("a", "initial_tasks = -1"),
        ("a", "initial_tasks = null"),
        ("a", "status = 'completed', completed_at = now()"),
        ("b", "remaining_tasks = 1"),
        ("b", f"started_at = {PAST}"),
        ("a", f"completed_at = {PAST}"),
        ("a", f"failed_at = {PAST}"),
        ("a", "completed_at = now(), failed_at = now()"),
        ("a", "status = 'completed', remaining_tasks = 0, completed_at = now(), skipped_at = now()"),
        ("a", "failed_at = now(), skipped_at = now()"),
        ("b", f"status = 'skipped', skip_reason = 'x', skipped_at = {PAST}"),
        ("b", "status = 'skipped', skipped_at = now()"),
        ("b", "skip_reason = 'x'"),
        ("a", "status = 'skipped', skip_reason = 'x', skipped_at = now()"),
    ],
)
def test_step_states(core: Core, run_id: UUID, slug: str, change: str) -> None:
    with core.refused(sqlstate=CHECK):
        core.run_sql(f"update pgflow.step_states set {change} where step_slug = %s", slug)


def test_outputs_belong_to_completed_steps(core: Core, run_id: UUID) -> None:
    message = (
        'new row for relation "step_states" violates check constraint "output_only_for_completed_or_null"'
    )
    with core.refused(message, sqlstate=CHECK):
        core.run_sql("update pgflow.step_states set output = '1' where step_slug = 'a'")


def test_a_check_says_that_a_started_step_knows_its_tasks(core: Core) -> None:
    found = core.value(
        """select count(*) from information_schema.check_constraints
           where constraint_schema = 'pgflow' and constraint_name = 'initial_tasks_known_when_started'"""
    )
    assert found == 1


@pytest.mark.parametrize(
    "change",
    [
        "status = 'created'",
        "status = 'skipped'",
        "attempts_count = -1",
        "output = '1'",
        f"queued_at = {FUTURE}",
        f"completed_at = {PAST}",
        f"failed_at = {PAST}",
        "completed_at = now(), failed_at = now()",
        "status = 'queued', output = '1'",
    ],
)
def test_step_tasks(core: Core, run_id: UUID, change: str) -> None:
    with core.refused(sqlstate=CHECK):
        core.run_sql(f"update pgflow.step_tasks set {change}")


def test_tasks_are_completed_after_they_started(core: Core, run_id: UUID) -> None:
    core.run_sql(f"update pgflow.step_tasks set queued_at = {PAST}")
    for column in ("completed_at", "failed_at"):
        with core.refused(sqlstate=CHECK):
            core.run_sql(f"update pgflow.step_tasks set {column} = now() - interval '1 minute'")


def test_debounce_is_at_least_a_second(core: Core) -> None:
    core.run_sql(
        "insert into pgflow.worker_functions (function_name, debounce) values ('a', interval '1 second')"
    )
    with core.refused(sqlstate=CHECK):
        core.run_sql(
            "insert into pgflow.worker_functions (function_name, debounce) values ('b', interval '999 ms')"
        )
