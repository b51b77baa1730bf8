"""Conditions in options: over the run's input, any of several patterns, whether other steps ran."""

from __future__ import annotations

from typing import Any

import pytest
from psycopg.types.json import Jsonb

from tests.support.batch import claim, complete, fail, register
from tests.support.core import Core


def flow(core: Core, **options: Any) -> None:
    """before, maybe (skipped if it fails) -> after, with these options."""
    core.create_flow("f", max_attempts=1)
    core.add_step("f", "before")
    core.add_step("f", "maybe", when_exhausted="skip")
    add(core, "after", ["before", "maybe"], **options)


def add(core: Core, slug: str, deps: list[str], **options: Any) -> None:
    core.call("add_step", flow_slug="f", step_slug=slug, deps_slugs=deps, options=Jsonb(options))


def outcome(core: Core, *, input: Any = None, before: Any = None, maybe: bool = True) -> str:
    """What becomes of the step "after" of a run on ``input``."""
    run = core.start_flow("f", input)
    for task in claim(core, (register(core, "f"), "f")):
        if task.step_slug == "before":
            complete(core, [task], [before])
        elif maybe:
            complete(core, [task], [None])
        else:
            fail(core, [task])
    status: str = core.step(run.run_id, "after").status
    return status


@pytest.mark.parametrize(
    ("pattern", "input", "status"),
    [
        ({"flow_input": {"tier": 1}}, {"tier": 1, "sku": "tea"}, "started"),
        ({"flow_input": {"tier": 1}}, {"tier": 2}, "skipped"),
        ({"flow_input": {"tier": 1}}, None, "skipped"),
        ({"flow_input": {"tier": 1}, "before": {"ok": True}}, {"tier": 1}, "started"),
        ({"flow_input": {"tier": 1}, "before": {"ok": False}}, {"tier": 1}, "skipped"),
    ],
)
def test_a_dependent_step_may_look_at_the_input(core: Core, pattern: Any, input: Any, status: str) -> None:
    flow(core)
    core.call("alter_step", flow_slug="f", step_slug="after", required_input_pattern=Jsonb(pattern))
    assert outcome(core, input=input, before={"ok": True}) == status


def test_a_dependency_of_that_name_comes_first(core: Core) -> None:
    core.create_flow("f")
    core.add_step("f", "flow_input")
    core.run_sql(
        """select pgflow.add_step('f', 'after', array['flow_input'],
             forbidden_input_pattern => '{"flow_input": {"of": "the run"}}')"""
    )
    run = core.start_flow("f", {"of": "the run"})
    complete(core, claim(core, (register(core, "f"), "f")), [{"of": "a step"}])
    assert core.step(run.run_id, "after").status == "started"


@pytest.mark.parametrize(("n", "status"), [(1, "started"), (2, "started"), (3, "skipped")])
def test_any_of_several_patterns_will_do(core: Core, n: int, status: str) -> None:
    flow(core, if_any=[{"before": {"n": 1}}, {"before": {"n": 2}}])
    assert outcome(core, before={"n": n}) == status


@pytest.mark.parametrize(("n", "status"), [(1, "skipped"), (2, "skipped"), (3, "started")])
def test_none_of_several_patterns_may_match(core: Core, n: int, status: str) -> None:
    flow(core, if_not_any=[{"before": {"n": 1}}, {"before": {"n": 2}}])
    assert outcome(core, before={"n": n}) == status


@pytest.mark.parametrize(("value", "status"), [(None, "started"), (1, "skipped")])
def test_a_null_in_a_pattern_is_part_of_it(core: Core, value: Any, status: str) -> None:
    flow(core, if_any=[{"before": {"n": None}}])
    assert outcome(core, before={"n": value}) == status


@pytest.mark.parametrize(
    ("options", "maybe", "status"),
    [
        ({"if_ran": ["maybe"]}, True, "started"),
        ({"if_ran": ["maybe"]}, False, "skipped"),
        ({"if_ran": ["before", "maybe"]}, False, "skipped"),
        ({"if_skipped": ["maybe"]}, True, "skipped"),
        ({"if_skipped": ["maybe"]}, False, "started"),
        ({"if_skipped": ["maybe"], "if_ran": ["before"]}, False, "started"),
        ({"if_skipped": ["maybe"], "if_any": [{"before": {"ok": True}}]}, False, "skipped"),
    ],
)
def test_whether_other_steps_ran(core: Core, options: Any, maybe: bool, status: str) -> None:
    flow(core, **options)
    assert outcome(core, maybe=maybe) == status


def test_a_step_that_failed_as_a_value_ran(core: Core) -> None:
    core.create_flow("f", max_attempts=1)
    core.add_step("f", "charge", when_exhausted="value")
    add(core, "after", ["charge"], if_ran=["charge"], if_any=[{"charge": {"$failed": {}}}])
    run = core.start_flow("f", None)
    fail(core, claim(core, (register(core, "f"), "f")))
    assert core.step(run.run_id, "after").status == "started"


def test_patterns_of_a_root_step_are_over_the_input(core: Core) -> None:
    core.create_flow("f")
    add(core, "a", [], if_any=[{"n": 1}, {"n": 2}])
    wanted = {1: "started", 2: "started", 3: "skipped"}
    runs = {n: core.start_flow("f", {"n": n}).run_id for n in wanted}
    assert {n: core.step(run_id, "a").status for n, run_id in runs.items()} == wanted


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"if_any": {"a": 1}}, "if_any must be a list of patterns"),
        ({"if_any": []}, "if_any must be a list of patterns"),
        ({"if_not_any": [1]}, "if_not_any must be a list of patterns"),
        ({"if_ran": "a"}, "if_ran must be a list of steps"),
        ({"if_ran": [1]}, "if_ran must be a list of steps"),
        ({"if_skipped": ["b"]}, 'if_skipped names "b", which the step does not depend on'),
    ],
)
def test_wrong_conditions_are_refused(core: Core, options: Any, words: str) -> None:
    core.flow("f", "a", "b")
    with core.refused(words, sqlstate="PF011"):
        add(core, "c", ["a"], **options)
    add(core, "c", ["a"])
    with core.refused(words, sqlstate="PF011"):
        core.call("alter_step", flow_slug="f", step_slug="c", options=Jsonb(options))


def test_a_fork_with_another_input_does_not_reuse_what_its_condition_read(core: Core) -> None:
    core.create_flow("f")
    core.add_step("f", "before")
    add(core, "after", ["before"], if_any=[{"flow_input": {"n": 1}}], reads_input=False)
    add(core, "last", [])
    run = core.start_flow("f", {"n": 1})
    worker = register(core, "f")
    for _ in range(2):
        complete(core, claim(core, (worker, "f")))
    core.run_sql("select pgflow.note_input_readers('f', '{\"before\": false}')")
    with core.refused("after", sqlstate="PF011"):
        core.call("fork_run", run_id=run.run_id, from_steps=["last"], input=Jsonb({"n": 2}))
