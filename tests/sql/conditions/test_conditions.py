"""Whether a step runs, and what happens when it does not (specification/core.md, "Conditions")."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.core import SQL_NULL, Core


class TestWhenACondition:
    @pytest.mark.parametrize(
        ("required", "forbidden", "value", "met"),
        [
            (None, None, {"anything": 1}, True),
            ({}, None, {}, True),
            ({}, None, [], False),
            ({"a": 1}, None, {"a": 1, "b": 2}, True),
            ({"a": 1}, None, {"a": 2}, False),
            ({"a": 1}, None, {}, False),
            ({"a": {"b": [2]}}, None, {"a": {"b": [1, 2, 3], "c": 0}}, True),
            ({"a": [1]}, None, {"a": 1}, False),
            ({"a": None}, None, {"a": None}, True),
            ({"a": None}, None, {}, False),
            (None, {"a": 1}, {"a": 1}, False),
            (None, {"a": 1}, {"a": 2}, True),
            (None, {}, {}, False),
            (None, {}, "text", True),
            ({"a": 1}, {"b": 1}, {"a": 1}, True),
            ({"a": 1}, {"b": 1}, {"a": 1, "b": 1}, False),
            ({"a": 1}, {"b": 1}, {"b": 2}, False),
            ({"a": 1}, None, None, False),
        ],
    )
    def test_of_a_root_step(self, core: Core, required: Any, forbidden: Any, value: Any, met: bool) -> None:
        core.create_flow("f")
        patterns = {"required_input_pattern": required, "forbidden_input_pattern": forbidden}
        core.add_step("f", "a", [], **{name: p for name, p in patterns.items() if p is not None})
        core.add_step("f", "keeps_the_run_open")
        run = core.start_flow("f", value)
        assert core.statuses(run.run_id)["a"] == ("started" if met else "skipped")

    @pytest.mark.parametrize(
        ("required", "forbidden", "output", "met"),
        [
            ({"a": {"go": True}}, None, {"go": True, "more": 1}, True),
            ({"a": {"go": True}}, None, {"go": False}, False),
            ({"go": True}, None, {"go": True}, False),
            (None, {"a": {"go": True}}, {"go": True}, False),
            (None, {"a": {}}, {"x": 1}, False),
            (None, {"a": {}}, [1], True),
            ({"a": None}, None, None, True),
            ({"a": None}, None, SQL_NULL, True),
        ],
    )
    def test_of_a_dependent_step(
        self, core: Core, required: Any, forbidden: Any, output: Any, met: bool
    ) -> None:
        core.create_flow("f")
        core.add_step("f", "a")
        patterns = {"required_input_pattern": required, "forbidden_input_pattern": forbidden}
        core.add_step("f", "b", ["a"], **{name: p for name, p in patterns.items() if p is not None})
        run = core.start_flow("f", {"go": True})
        core.work("f", output)
        assert core.statuses(run.run_id)["b"] == ("started" if met else "skipped")

    def test_skipped_dependencies_are_absent(self, core: Core) -> None:
        core.create_flow("f")
        core.add_step("f", "a", [], required_input_pattern={"never": 1})
        core.add_step("f", "if_skipped", ["a"], forbidden_input_pattern={"a": {}})
        core.add_step("f", "if_run", ["a"], required_input_pattern={"a": {}})
        core.add_step("f", "always", ["a"], required_input_pattern={})
        run = core.start_flow("f", {})
        assert core.statuses(run.run_id) == {
            "a": "skipped", "if_skipped": "started", "if_run": "skipped", "always": "started",
        }  # fmt: skip

    def test_it_waits_for_all_dependencies(self, core: Core) -> None:
        core.create_flow("f")
        core.add_step("f", "a")
        core.add_step("f", "b")
        core.add_step("f", "c", ["a", "b"], required_input_pattern={"a": 1, "b": 2})
        run = core.start_flow("f", {})
        core.work("f", 1)
        assert core.statuses(run.run_id)["c"] == "created"
        core.work("f", 2)
        assert core.statuses(run.run_id)["c"] == "started"

    def test_outputs_of_maps(self, core: Core) -> None:
        core.create_flow("f")
        core.add_step("f", "m", [], step_type="map")
        core.add_step("f", "b", ["m"], required_input_pattern={"m": [{"ok": True}]})
        run = core.start_flow("f", [1, 2])
        core.work("f", {"ok": False})
        core.work("f", {"ok": True, "x": 1})
        assert core.statuses(run.run_id)["b"] == "started"

    def test_of_a_map_step(self, core: Core) -> None:
        core.create_flow("f")
        core.add_step("f", "a")
        core.add_step("f", "m", ["a"], step_type="map", required_input_pattern={"a": ["x"]})
        core.add_step("f", "n", ["a"], step_type="map", forbidden_input_pattern={"a": ["x"]})
        run = core.start_flow("f", {})
        core.work("f", ["x", "y"])
        assert core.statuses(run.run_id) == {"a": "completed", "m": "started", "n": "skipped"}
        assert core.run(run.run_id).remaining_steps == 1


class TestSkip:
    def test_state_and_event(self, core: Core) -> None:
        core.create_flow("f")
        core.add_step("f", "a", [], required_input_pattern={"never": 1})
        core.add_step("f", "b")
        run = core.start_flow("f", {})
        step = core.step(run.run_id, "a")
        assert (step.status, step.skip_reason, step.skipped_at) == ("skipped", "condition_unmet", core.now())
        assert (step.started_at, step.failed_at, step.error_message) == (None, None, None)
        assert (step.remaining_tasks, step.output) == (None, None)
        assert run.remaining_steps == 1
        assert core.tasks(run.run_id, "a") == []
        (event,) = core.events(event_type="step:skipped")
        payload = event.payload
        assert (event.event, event.private) == ("step:a:skipped", False)
        assert (payload["flow_slug"], payload["step_slug"], payload["status"]) == ("f", "a", "skipped")
        assert payload["skip_reason"] == "condition_unmet"
        assert core.value("select %s::timestamptz", payload["skipped_at"]) == core.now()
        assert core.event_names() == ["run:started", "step:a:skipped", "step:b:started"]

    def test_dependents_go_on(self, core: Core) -> None:
        core.create_flow("f")
        core.add_step("f", "a", [], required_input_pattern={"never": 1})
        core.add_step("f", "b", ["a"])
        run = core.start_flow("f", {})
        step = core.step(run.run_id, "b")
        assert (step.status, step.remaining_deps) == ("started", 0)
        assert core.poll("f")[0].input == {}

    def test_a_dependent_map_is_empty(self, core: Core) -> None:
        core.create_flow("f")
        core.add_step("f", "a", [], required_input_pattern={"never": 1})
        core.add_step("f", "m", ["a"], step_type="map")
        core.add_step("f", "n", ["m"], step_type="map")
        run = core.start_flow("f", {})
        assert (run.status, run.output) == ("completed", {"n": []})
        assert core.step(run.run_id, "m").initial_tasks == 0

    def test_a_skipped_map_makes_its_dependent_map_empty(self, core: Core) -> None:
        core.create_flow("f")
        core.add_step("f", "m", [], step_type="map", forbidden_input_pattern={"a": 1})
        core.add_step("f", "n", [], step_type="map")
        core.run_sql("""update pgflow.steps set required_input_pattern = '{"x": 1}' where step_slug = 'm'""")
        core.add_step("f", "o", ["m"], step_type="map")
        run = core.start_flow("f", [1])
        assert core.statuses(run.run_id) == {"m": "skipped", "n": "started", "o": "completed"}

    def test_dependents_with_other_open_parents_wait(self, core: Core) -> None:
        core.create_flow("f")
        core.add_step("f", "a", [], required_input_pattern={"never": 1})
        core.add_step("f", "x", [], required_input_pattern={"never": 1})
        core.add_step("f", "b")
        core.add_step("f", "c", ["a", "b", "x"])
        run = core.start_flow("f", {})
        step = core.step(run.run_id, "c")
        assert (step.status, step.remaining_deps) == ("created", 1)
        core.work("f", 5)
        assert core.poll("f")[0].input == {"b": 5}

    def test_a_chain_is_resolved_in_one_call(self, core: Core) -> None:
        core.create_flow("f")
        core.add_step("f", "a", [], required_input_pattern={"never": 1})
        core.add_step("f", "b", ["a"], required_input_pattern={"a": 1})
        core.add_step("f", "c", ["b"], required_input_pattern={"b": 1})
        core.add_step("f", "d", ["c"], forbidden_input_pattern={"c": {}})
        run = core.start_flow("f", {})
        assert core.statuses(run.run_id) == {"a": "skipped", "b": "skipped", "c": "skipped", "d": "started"}
        reasons = {core.step(run.run_id, slug).skip_reason for slug in "abc"}
        assert reasons == {"condition_unmet"}
        skipped = [event.event for event in core.events(event_type="step:skipped")]
        assert skipped == ["step:a:skipped", "step:b:skipped", "step:c:skipped"]

    def test_a_run_of_skipped_steps_completes(self, core: Core) -> None:
        core.create_flow("f")
        core.add_step("f", "a", [], required_input_pattern={"never": 1})
        core.add_step("f", "b", [], required_input_pattern={"never": 1})
        run = core.start_flow("f", {})
        assert (run.status, run.output, run.remaining_steps) == ("completed", None, 0)
        assert core.event_names()[-1] == "run:completed"

    def test_a_hundred_conditional_steps_in_a_row(self, core: Core) -> None:
        core.create_flow("f")
        core.add_step("f", "s0", [], required_input_pattern={"never": 1})
        for n in range(1, 100):
            core.add_step("f", f"s{n}", [f"s{n - 1}"], required_input_pattern={f"s{n - 1}": 1})
        run = core.start_flow("f", {})
        assert (run.status, run.remaining_steps) == ("completed", 0)


class TestSkipCascade:
    def test_everything_behind_it_is_skipped(self, core: Core) -> None:
        core.create_flow("f")
        core.add_step("f", "a", [], required_input_pattern={"never": 1}, when_unmet="skip-cascade")
        core.add_step("f", "b", ["a"])
        core.add_step("f", "m", ["b"], step_type="map")
        core.add_step("f", "other")
        core.add_step("f", "join", ["m", "other"])
        run = core.start_flow("f", {})
        assert core.statuses(run.run_id) == {
            "a": "skipped", "b": "skipped", "m": "skipped", "join": "skipped", "other": "started",
        }  # fmt: skip
        reasons = {slug: core.step(run.run_id, slug).skip_reason for slug in ("a", "b", "m", "join")}
        assert reasons == {
            "a": "condition_unmet", "b": "dependency_skipped", "m": "dependency_skipped",
            "join": "dependency_skipped",
        }  # fmt: skip
        assert run.remaining_steps == 1
        assert [event.event for event in core.events(event_type="step:skipped")] == [
            "step:a:skipped", "step:b:skipped", "step:m:skipped", "step:join:skipped",
        ]  # fmt: skip
        core.work("f", 5)
        found = core.run(run.run_id)
        assert (found.status, found.output) == ("completed", None)

    def test_after_a_completion(self, core: Core) -> None:
        core.create_flow("f")
        core.add_step("f", "a")
        core.add_step("f", "b", ["a"], required_input_pattern={"a": 1}, when_unmet="skip-cascade")
        core.add_step("f", "c", ["b"])
        run = core.start_flow("f", {})
        core.work("f", 2)
        found = core.run(run.run_id)
        assert (found.status, found.output) == ("completed", None)
        assert core.step(run.run_id, "c").skip_reason == "dependency_skipped"


class TestFail:
    def test_at_the_start_of_a_run(self, core: Core) -> None:
        core.create_flow("f")
        core.add_step("f", "a", [], required_input_pattern={"x": 1}, when_unmet="fail")
        core.add_step("f", "b")
        core.add_step("f", "c", ["a"])
        run = core.start_flow("f", {})
        assert (run.status, run.failed_at, run.remaining_steps) == ("failed", core.now(), 3)
        step = core.step(run.run_id, "a")
        assert (step.status, step.failed_at, step.error_message) == (
            "failed",
            core.now(),
            "Condition not met",
        )
        assert (step.started_at, step.skip_reason) == (None, None)
        assert core.statuses(run.run_id) == {"a": "failed", "b": "created", "c": "created"}
        assert core.tasks(run.run_id) == []
        assert core.queue("f") == []
        assert sorted(core.event_names()) == ["run:failed", "run:started", "step:a:failed"]
        for event in core.events()[1:]:
            assert event.payload["error_message"] == "Condition not met"
        assert run.error_message == "Condition not met"

    def test_after_a_completion(self, core: Core) -> None:
        core.create_flow("f")
        core.add_step("f", "a")
        core.add_step("f", "side")
        core.add_step("f", "b", ["a"], required_input_pattern={"a": 1}, when_unmet="fail")
        core.add_step("f", "c", ["a"])
        run = core.start_flow("f", {})
        core.poll("f", 2)
        (row,) = core.complete_task(run.run_id, "a", 0, 2)
        assert (row.status, row.output) == ("completed", 2)
        assert core.statuses(run.run_id) == {
            "a": "completed", "side": "started", "b": "failed", "c": "created",
        }  # fmt: skip
        assert core.run(run.run_id).status == "failed"
        assert core.queue("f") == []
        assert core.event_names()[-3:] == ["step:a:completed", "step:b:failed", "run:failed"]

    def test_only_the_first_of_several(self, core: Core) -> None:
        core.create_flow("f")
        for slug in ("z", "b", "a"):
            core.add_step("f", slug, [], required_input_pattern={"x": 1}, when_unmet="fail")
        run = core.start_flow("f", {})
        assert core.statuses(run.run_id) == {"z": "failed", "b": "created", "a": "created"}
        assert len(core.events(event_type="step:failed")) == 1
        assert len(core.events(event_type="run:failed")) == 1

    def test_other_runs_keep_their_messages(self, core: Core) -> None:
        core.create_flow("f")
        core.add_step("f", "a")
        core.add_step("f", "b", [], required_input_pattern={"x": 1}, when_unmet="fail")
        core.start_flow("f", {"x": 1})
        core.start_flow("f", {})
        assert len(core.queue("f")) == 2


class TestBehindEmptyMaps:
    """Conditions and taskless completion alternate until neither changes anything."""

    def test_unmet(self, core: Core) -> None:
        core.create_flow("f")
        core.add_step("f", "m", [], step_type="map")
        core.add_step("f", "b", ["m"], required_input_pattern={"m": [1]})
        run = core.start_flow("f", [])
        assert (run.status, core.statuses(run.run_id)["b"]) == ("completed", "skipped")

    def test_met(self, core: Core) -> None:
        core.create_flow("f")
        core.add_step("f", "m", [], step_type="map")
        core.add_step("f", "b", ["m"], required_input_pattern={"m": []})
        run = core.start_flow("f", [])
        assert core.statuses(run.run_id)["b"] == "started"

    def test_failing(self, core: Core) -> None:
        core.create_flow("f")
        core.add_step("f", "m", [], step_type="map")
        core.add_step("f", "b", ["m"], required_input_pattern={"m": [1]}, when_unmet="fail")
        assert core.start_flow("f", []).status == "failed"

    def test_alternating(self, core: Core) -> None:
        core.create_flow("f")
        core.add_step("f", "a")
        core.add_step("f", "m", ["a"], step_type="map")
        core.add_step("f", "b", ["m"], required_input_pattern={"m": [1]})
        core.add_step("f", "n", ["b"], step_type="map")
        core.add_step("f", "c", ["n"], required_input_pattern={"n": [1]})
        core.add_step("f", "o", ["c"], step_type="map")
        core.add_step("f", "end", ["o", "n"])
        run = core.start_flow("f", {})
        core.work("f", [])
        assert core.statuses(run.run_id) == {
            "a": "completed", "m": "completed", "b": "skipped", "n": "completed", "c": "skipped",
            "o": "completed", "end": "started",
        }  # fmt: skip
        assert core.poll("f")[0].input == {"o": [], "n": []}

    def test_an_empty_map_with_an_unmet_condition_is_skipped(self, core: Core) -> None:
        core.create_flow("f")
        core.add_step("f", "a")
        core.add_step("f", "m", ["a"], step_type="map", required_input_pattern={"a": [1]})
        run = core.start_flow("f", {})
        core.work("f", [])
        assert core.statuses(run.run_id)["m"] == "skipped"


def test_a_type_violation_comes_before_conditions(core: Core) -> None:
    core.create_flow("f")
    core.add_step("f", "a")
    core.add_step("f", "m", ["a"], step_type="map", required_input_pattern={"a": "never"})
    run = core.start_flow("f", {})
    core.work("f", "no array")
    assert core.run(run.run_id).status == "failed"
    assert core.statuses(run.run_id) == {"a": "failed", "m": "created"}
