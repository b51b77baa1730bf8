"""`fork_run` starts a run of the same flow from some of its steps, and takes over what did not need them."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest
from psycopg.types.json import Jsonb

from tests.support.batch import claim, claim_one, complete, fail, register
from tests.support.control import cancel, retry, snapshot
from tests.support.core import Core, Row
from tests.support.invariants import assert_sound, install


@pytest.fixture(autouse=True)
def _invariants(core: Core) -> None:
    install(core)


@pytest.fixture
def worker(core: Core) -> UUID:
    return register(core, "f")


def fork(core: Core, run_id: UUID, *from_steps: str, **arguments: Any) -> UUID:
    if "input" in arguments:
        arguments["input"] = Jsonb(arguments["input"])
    (row,) = core.call("fork_run", run_id=run_id, from_steps=list(from_steps), **arguments)
    assert isinstance(row.fork_run, UUID)
    return row.fork_run


def work_off(core: Core, worker: UUID, tag: str = "") -> list[Row]:
    """Claim and complete until nothing is left; each step gives its slug, those before "m" an array."""
    seen: list[Row] = []
    while tasks := claim(core, (worker, "f")):
        outputs = [["x", "y"] if task.step_slug == "list" else task.step_slug + tag for task in tasks]
        assert complete(core, tasks, outputs) == []
        seen += tasks
    return seen


def reused(core: Core, run_id: UUID) -> set[str]:
    rows = core.rows("select step_slug from pgflow.step_states where run_id = %s and reused", run_id)
    return {row.step_slug for row in rows}


def test_from_a_step_in_the_middle(core: Core, worker: UUID) -> None:
    core.flow("f", "a", "b < a", "c < b", "d < a", "e < c d")
    source = core.start_flow("f", {"x": 1}).run_id
    work_off(core, worker)
    before = snapshot(core)
    new = fork(core, source, "b")
    assert new != source
    run = core.run(new)
    assert (run.flow_slug, run.status, run.input, run.remaining_steps) == ("f", "started", {"x": 1}, 3)
    assert core.statuses(new) == {
        "a": "completed", "b": "started", "c": "created", "d": "completed", "e": "created",
    }  # fmt: skip
    assert reused(core, new) == {"a", "d"}
    assert core.tasks(new, "a") == []
    assert core.step(new, "e").remaining_deps == 1
    assert_sound(core)
    again = work_off(core, worker, " again")
    assert [(task.run_id, task.step_slug) for task in again] == [(new, slug) for slug in "bce"]
    assert again[2].input == {"c": "c again", "d": "d"}
    assert core.run(new).output == {"e": "e again"}
    assert_sound(core)
    kept = [[row for row in rows if row.run_id == source] for rows in snapshot(core)]
    assert kept == [[row for row in rows if row.run_id == source] for rows in before]


def test_a_failed_run_from_what_failed(core: Core, worker: UUID) -> None:
    core.flow("f", "a", "b < a", "c < b", max_attempts=1)
    source = core.start_flow("f").run_id
    complete(core, [claim_one(core, worker, "f")], ["kept"])
    fail(core, [claim_one(core, worker, "f")])
    new = fork(core, source, "b")
    assert claim_one(core, worker, "f").input == {"a": "kept"}
    assert (core.run(source).status, core.run(new).status) == ("failed", "started")


def test_what_has_not_ended_is_done_even_if_it_was_not_named(core: Core, worker: UUID) -> None:
    core.flow("f", "a", "b", "c < a b", max_attempts=1)
    source = core.start_flow("f").run_id
    a, b = sorted(claim(core, (worker, "f")), key=lambda task: str(task.step_slug))
    complete(core, [a], ["kept"])
    fail(core, [b])
    new = fork(core, source, "c")
    assert core.statuses(new) == {"a": "completed", "b": "started", "c": "created"}
    work_off(core, worker)
    assert core.run(new).output == {"c": "c"}


def test_a_run_that_goes_on(core: Core, worker: UUID) -> None:
    """What it has completed so far is taken over; the run itself is not touched."""
    core.flow("f", "a", "b", "c < a b")
    source = core.start_flow("f").run_id
    a, b = sorted(claim(core, (worker, "f")), key=lambda task: str(task.step_slug))
    complete(core, [a], ["kept"])
    new = fork(core, source, "c")
    assert reused(core, new) == {"a"}
    complete(core, [b], ["late"])
    work_off(core, worker)
    assert {core.run(run_id).status for run_id in (source, new)} == {"completed"}


class TestMaps:
    def test_from_a_map_all_elements_are_done(self, core: Core, worker: UUID) -> None:
        core.flow("f", "list", "m:map < list", "last < m")
        source = core.start_flow("f").run_id
        work_off(core, worker)
        new = fork(core, source, "m")
        assert core.step(new, "m").initial_tasks == 2
        again = work_off(core, worker, " again")
        assert [(task.step_slug, task.input) for task in again[:2]] == [("m", "x"), ("m", "y")]
        assert again[2].input == {"m": ["m again", "m again"]}
        assert_sound(core)

    def test_a_reused_map(self, core: Core, worker: UUID) -> None:
        core.flow("f", "list", "m:map < list", "n:map < m", "last < m")
        source = core.start_flow("f").run_id
        work_off(core, worker)
        new = fork(core, source, "n", "last")
        step = core.step(new, "m")
        assert (step.status, step.initial_tasks, step.remaining_tasks, step.output) == (
            "completed", 2, 0, ["m", "m"],
        )  # fmt: skip
        again = {(task.step_slug, task.task_index): task.input for task in work_off(core, worker)}
        assert again == {("n", 0): "m", ("n", 1): "m", ("last", 0): {"m": ["m", "m"]}}
        assert core.run(new).output == {"n": ["n", "n"], "last": "last"}
        assert_sound(core)

    def test_a_map_over_the_input(self, core: Core, worker: UUID) -> None:
        core.flow("f", "m:map", "n:map < m")
        source = core.start_flow("f", ["a", "b", "c"]).run_id
        work_off(core, worker)
        new = fork(core, source, "m", input=["d"])
        assert [task.input for task in work_off(core, worker, "!")] == ["d", "m!"]
        assert core.run(new).output == {"n": ["n!"]}
        with core.refused("input is not an array"):
            fork(core, source, "m", input={"no": "array"})

    def test_a_map_over_nothing(self, core: Core, worker: UUID) -> None:
        core.flow("f", "a", "m:map < a", "n:map < m")
        source = core.start_flow("f").run_id
        complete(core, [claim_one(core, worker, "f")], [[]])
        new = fork(core, source, "m")
        run = core.run(new)
        assert (run.status, run.output) == ("completed", {"n": []})
        assert_sound(core)


class TestSkipped:
    def test_skipped_steps_are_taken_over_with_their_reason(self, core: Core, worker: UUID) -> None:
        core.create_flow("f", max_attempts=1)
        core.add_step("f", "a", [], when_exhausted="skip")
        core.add_step("f", "b", ["a"])
        core.add_step("f", "m", ["a"], step_type="map")
        source = core.start_flow("f").run_id
        fail(core, [claim_one(core, worker, "f")], ["no luck"])
        work_off(core, worker)
        new = fork(core, source, "b", "m")
        step = core.step(new, "a")
        assert (step.status, step.skip_reason, step.error_message) == ("skipped", "handler_failed", "no luck")
        assert core.statuses(new)["m"] == "completed"
        work_off(core, worker)
        assert core.run(new).output == {"b": "b", "m": []}
        assert_sound(core)

    def test_a_condition_is_judged_anew(self, core: Core, worker: UUID) -> None:
        core.create_flow("f")
        core.add_step("f", "a", [], required_input_pattern={"go": True}, when_unmet="skip-cascade")
        core.add_step("f", "b", ["a"])
        source = core.start_flow("f", {"go": False}).run_id
        assert core.run(source).status == "completed"
        assert core.statuses(fork(core, source, "a")) == {"a": "skipped", "b": "skipped"}
        new = fork(core, source, "a", input={"go": True})
        assert core.statuses(new) == {"a": "started", "b": "created"}
        assert_sound(core)


class TestInput:
    @pytest.fixture
    def source(self, core: Core, worker: UUID) -> UUID:
        """A run in which b is known not to read the run's input; of c nothing is known."""
        core.flow("f", "a")
        for slug in ("b", "c", "d"):
            reads = Jsonb({} if slug == "c" else {"reads_input": slug != "b"})
            core.call("add_step", flow_slug="f", step_slug=slug, deps_slugs=["a"], options=reads)
        started: UUID = core.start_flow("f", {"x": 1}).run_id
        work_off(core, worker)
        return started

    def test_a_reused_step_that_may_have_read_it(self, core: Core, source: UUID) -> None:
        with core.refused("may have read it: a, c\n", sqlstate="PF011"):
            fork(core, source, "d", input={"x": 2})

    def test_the_error_names_what_to_add(self, core: Core, source: UUID) -> None:
        new = fork(core, source, "d", "a", "c", input={"x": 2})
        assert reused(core, new) == set()
        assert core.run(new).input == {"x": 2}

    def test_steps_that_do_not_read_it(self, core: Core, worker: UUID) -> None:
        core.create_flow("f")
        core.call(
            "add_step", flow_slug="f", step_slug="a", deps_slugs=[], options=Jsonb({"reads_input": False})
        )
        core.add_step("f", "b", ["a"])
        source = core.start_flow("f", {"x": 1}).run_id
        work_off(core, worker)
        new = fork(core, source, "b", input=None)
        assert (reused(core, new), core.run(new).input) == ({"a"}, None)

    def test_the_condition_of_a_root_reads_it(self, core: Core, worker: UUID) -> None:
        core.create_flow("f")
        options = Jsonb({"reads_input": False})
        core.call(
            "add_step", flow_slug="f", step_slug="a", deps_slugs=[], options=options,
            required_input_pattern=Jsonb({"go": True}),
        )  # fmt: skip
        core.add_step("f", "b", [])
        source = core.start_flow("f", {"go": False}).run_id
        with core.refused("may have read it: a\n", sqlstate="PF011"):
            fork(core, source, "b", input={"go": True})

    def test_the_same_input_is_no_other(self, core: Core, source: UUID) -> None:
        assert reused(core, fork(core, source, "d", input={"x": 1})) == {"a", "b", "c"}


class TestRefused:
    def test_an_unknown_run(self, core: Core) -> None:
        with core.refused("Run not found", sqlstate="PF008"):
            fork(core, uuid4(), "a")

    @pytest.mark.parametrize(
        ("steps", "words"),
        [
            (["x"], 'has no step "x"'),
            ([None], 'has no step "null"'),
            ([], "names no step"),
            (None, "names no"),
        ],
    )
    def test_unknown_steps(self, core: Core, steps: list[str] | None, words: str) -> None:
        core.flow("f", "a")
        run_id = core.start_flow("f").run_id
        with core.refused(words, sqlstate="PF011"):
            core.rows("select pgflow.fork_run(%s, %s::text[])", run_id, steps)


class TestNewRunId:
    def test_the_same_call_again_finds_the_fork(self, core: Core, worker: UUID) -> None:
        core.flow("f", "a", "b < a")
        source = core.start_flow("f").run_id
        work_off(core, worker)
        chosen = uuid4()
        assert fork(core, source, "b", new_run_id=chosen) == chosen
        work_off(core, worker)
        before = snapshot(core)
        assert fork(core, source, "b", new_run_id=chosen) == chosen
        assert snapshot(core) == before

    def test_any_other_run_of_that_id(self, core: Core, worker: UUID) -> None:
        core.flow("f", "a", "b < a")
        source, other = (core.start_flow("f", number).run_id for number in range(2))
        work_off(core, worker)
        chosen = fork(core, source, "b")
        for taken, run_id, slug in (
            (source, source, "b"),
            (other, source, "b"),
            (chosen, other, "b"),
            (chosen, source, "a"),
        ):
            with core.refused("exists already, and is no such fork", sqlstate="PF002"):
                fork(core, run_id, slug, new_run_id=taken)


def test_where_it_comes_from(core: Core, worker: UUID) -> None:
    core.flow("f", "a", "b < a")
    source = core.start_flow("f").run_id
    work_off(core, worker)
    new = fork(core, source, "b", actor="ann")
    (row,) = core.rows("select * from pgflow.get_run_progress(array[%s])", new)
    assert row.progress["run"]["origin"] == {"kind": "fork", "from_run_id": str(source), "depth": 0}
    assert [(step["step_slug"], step["reused"]) for step in row.progress["steps"]] == [
        ("a", True),
        ("b", False),
    ]
    (row,) = core.rows("select * from pgflow.get_run_progress(array[%s])", source)
    assert row.progress["run"]["origin"] is None
    for run_id in (source, new):
        (action,) = core.call("list_actions", only_run=run_id)
        assert (action.action, action.actor, action.run_ids) == ("fork", "ann", [source, new])
        assert (action.arguments, action.outcome) == ({"from_steps": ["b"]}, {"forked": 1})


def test_events_of_what_happens_in_the_fork(core: Core, worker: UUID) -> None:
    core.flow("f", "a", "b < a")
    source = core.start_flow("f").run_id
    work_off(core, worker)
    new = fork(core, source, "b")
    work_off(core, worker)
    assert core.event_names(new) == ["run:started", "step:b:started", "step:b:completed", "run:completed"]


def test_a_fork_is_a_run_as_any_other(core: Core, worker: UUID) -> None:
    core.flow("f", "a", "b < a", "c < b", max_attempts=1)
    source = core.start_flow("f").run_id
    work_off(core, worker)
    new = fork(core, source, "b")
    cancel(core, new)
    assert core.statuses(new) == {"a": "completed", "b": "cancelled", "c": "cancelled"}
    assert retry(core, new) == ["retried"]
    fail(core, [claim_one(core, worker, "f")])
    assert retry(core, new) == ["retried"]
    second = fork(core, new, "c")
    assert core.statuses(second) == {"a": "completed", "b": "started", "c": "created"}
    work_off(core, worker)
    assert {core.run(run_id).status for run_id in (source, new, second)} == {"completed"}
    assert_sound(core)
