"""From a claimed task's input to a handler's arguments, as the contract's parameters say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pgflow_runtime import Context, Failed
from pgflow_runtime.contract import FlowContract, failed_values
from pgflow_runtime.errors import BoundaryError
from pgflow_runtime.worker.tasks.binding import BoundStep

OBJECT = {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "string"}}}


class FakeTask:
    def __init__(
        self, text: str | None, flow_input: Any = None, state: str | None = None, others: str = "{}"
    ) -> None:
        self.others = others
        self._state = state
        self._text = text
        self._flow_input = flow_input
        self.the_context = Context.for_test()

    def input_text(self) -> str | None:
        return self._text

    def state_text(self) -> str | None:
        return self._state

    def others_text(self) -> str:
        return self.others

    def flow_input(self) -> Any:
        return self._flow_input

    def context(self) -> Context:
        return self.the_context


def _bound(
    tmp_path: Path, params: list[dict[str, Any]], input: Any, output: Any = None, **more: Any
) -> BoundStep:
    step = {
        "module": "m",
        "function": "f",
        "kind": "step",
        "async": False,
        "transactional": False,
        "params": [{"positional_only": False, "default": False, **param} for param in params],
        "input": input,
        "output": {} if output is None else output,
        **more,
    }
    path = tmp_path / "flow.json"
    path.write_text(
        json.dumps(
            {"properties": {"input": {"type": "string"}}, "x-pgflow": {"slug": "flow", "steps": {"s": step}}}
        )
    )
    contract = FlowContract(path)
    return BoundStep(contract, contract.steps["s"], lambda: None)


def test_dependencies_context_and_flow_input_are_named(tmp_path: Path) -> None:
    params = [
        {"name": "b", "receives": "dependency"},
        {"name": "ctx", "receives": "context"},
        {"name": "a", "receives": "dependency"},
        {"name": "flow_input", "receives": "flow_input"},
    ]
    task = FakeTask('{"a": 1, "b": "x", "more": []}', "hello")
    positional, named = _bound(tmp_path, params, OBJECT).arguments(task)
    assert positional == []
    assert named == {"a": 1, "b": "x", "ctx": task.the_context, "flow_input": "hello"}


def test_a_map_gets_other_steps_beside_its_element(tmp_path: Path) -> None:
    params: list[dict[str, Any]] = [
        {"name": "line", "receives": "element", "positional_only": True},
        {"name": "a", "receives": "dependency"},
        {"name": "b", "receives": "dependency", "default": True},
        {"name": "flow_input", "receives": "flow_input"},
    ]
    step = _bound(tmp_path, params, {"type": "integer"}, kind="map", others=OBJECT)
    assert step.arguments(FakeTask("7", "hello", others='{"a": 1}')) == ([7], {"a": 1, "flow_input": "hello"})
    with pytest.raises(BoundaryError, match="a"):
        step.arguments(FakeTask("7", "hello", others='{"a": "x"}'))


def test_a_skipped_dependency_is_left_to_its_default(tmp_path: Path) -> None:
    params: list[dict[str, Any]] = [
        {"name": "a", "receives": "dependency"},
        {"name": "b", "receives": "dependency", "default": True},
    ]
    assert _bound(tmp_path, params, OBJECT).arguments(FakeTask('{"a": 1}')) == ([], {"a": 1})


def test_the_whole_input_is_one_object(tmp_path: Path) -> None:
    step = _bound(tmp_path, [{"name": "input", "receives": "input"}], OBJECT)
    assert step.arguments(FakeTask('{"a": 1}')) == ([], {"input": {"a": 1}})


@pytest.mark.parametrize("text", ["null", "0", "false", '""', "[]", "{}"])
def test_falsy_elements_arrive_as_they_are(tmp_path: Path, text: str) -> None:
    params: list[dict[str, Any]] = [{"name": "item", "receives": "element", "positional_only": True}]
    step = _bound(tmp_path, params, {})
    assert step.arguments(FakeTask(text)) == ([json.loads(text)], {})


def test_an_input_that_does_not_fit_is_a_boundary_error(tmp_path: Path) -> None:
    step = _bound(tmp_path, [{"name": "a", "receives": "dependency"}], OBJECT)
    with pytest.raises(BoundaryError, match=r"input\.a: expected int, got string 'x'"):
        step.arguments(FakeTask('{"a": "x"}'))


def test_a_flow_input_that_does_not_fit_is_a_boundary_error(tmp_path: Path) -> None:
    step = _bound(tmp_path, [{"name": "flow_input", "receives": "flow_input"}], {})
    with pytest.raises(BoundaryError, match="flow_input: expected string"):
        step.arguments(FakeTask("{}", 3))


@pytest.mark.parametrize("value", [{1}, (1,), float("inf"), {1: 2}, "a\0", "\ud800", object()])
def test_an_output_that_is_no_json_is_a_boundary_error(tmp_path: Path, value: object) -> None:
    with pytest.raises(BoundaryError, match=r"^output"):
        _bound(tmp_path, [], {}).output([value], 100)


def test_an_output_is_written_as_it_is(tmp_path: Path) -> None:
    value = {"a": [0, False, "", None, 1.5, "ä😀"], "b": {}}
    assert json.loads(_bound(tmp_path, [], {}).output(value, 100)) == value
    with pytest.raises(BoundaryError, match="too large"):
        _bound(tmp_path, [], {}).output(value, 10)
    with pytest.raises(BoundaryError, match="expected string"):
        _bound(tmp_path, [], {}, {"type": "string"}).output(1, 10)


# -- loops ---------------------------------------------------------------------------------------------------

STATE = {"type": "object", "properties": {"seen": {"type": "number"}}, "required": ["seen"]}


def _loop(tmp_path: Path, state: Any = STATE) -> BoundStep:
    params: list[dict[str, Any]] = [
        {"name": "a", "receives": "dependency"},
        {"name": "state", "receives": "state", "default": True},
    ]
    return _bound(tmp_path, params, OBJECT, kind="loop", state=state)


def test_a_first_round_has_no_state(tmp_path: Path) -> None:
    assert _loop(tmp_path).arguments(FakeTask('{"a": 1}')) == ([], {"a": 1})


def test_a_later_round_gets_what_the_one_before_has_left(tmp_path: Path) -> None:
    step = _loop(tmp_path)
    _, named = step.arguments(FakeTask('{"a": 1}', state='{"seen": 3}'))
    assert named == {"a": 1, "state": {"seen": 3.0}}
    assert type(named["state"]["seen"]) is float


def test_a_state_that_does_not_fit_is_a_boundary_error(tmp_path: Path) -> None:
    step = _loop(tmp_path)
    with pytest.raises(BoundaryError, match=r"state\.seen: expected number, got string 'x'"):
        step.arguments(FakeTask('{"a": 1}', state='{"seen": "x"}'))
    with pytest.raises(BoundaryError, match="state: "):
        step.state({"saw": 1}, 1000)
    with pytest.raises(BoundaryError, match="is too large"):
        step.state({"seen": 1.5}, 5)
    assert step.state({"seen": 1.5}, 1000) == '{"seen":1.5}'


def test_a_loop_without_a_state_leaves_none(tmp_path: Path) -> None:
    step = _bound(tmp_path, [{"name": "a", "receives": "dependency"}], OBJECT, kind="loop")
    assert step.state(None, 1000) == "null"
    with pytest.raises(BoundaryError, match="state: expected null"):
        step.state(1, 1000)


# -- failures that are values --------------------------------------------------------------------------------

WIRE = {"$failed": {"error": "no", "step": "charge", "index": 0, "attempts": 3}}
FAILED = Failed("no", "charge", 0, 3)
RECEIPT = {"type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"]}


@pytest.mark.parametrize(
    ("others", "value", "wanted"),
    [
        ([RECEIPT], WIRE, FAILED),
        ([RECEIPT], {"id": "1"}, {"id": "1"}),
        ([{"type": "object", "additionalProperties": {}}], WIRE, FAILED),
        ([{"type": "object"}], WIRE, FAILED),
        ([{"type": "string"}, {"type": "null"}], WIRE, FAILED),
        ([{"type": "string"}, {"type": "null"}], None, None),
    ],
)
def test_a_failure_arrives_as_an_object(tmp_path: Path, others: list[Any], value: Any, wanted: Any) -> None:
    schema = {"anyOf": [failed_values.SCHEMA, *others]}
    step = _bound(tmp_path, [{"name": "c", "receives": "dependency"}], {"properties": {"c": schema}})
    _, named = step.arguments(FakeTask(json.dumps({"c": value})))
    assert named == {"c": wanted}
    assert type(named["c"]) is type(wanted)


def test_a_failure_among_elements(tmp_path: Path) -> None:
    schema = {"type": "array", "items": {"anyOf": [failed_values.SCHEMA, RECEIPT]}}
    step = _bound(tmp_path, [{"name": "input", "receives": "input"}], schema)
    _, named = step.arguments(FakeTask(json.dumps([{"id": "1"}, WIRE])))
    assert named == {"input": [{"id": "1"}, FAILED]}


@pytest.mark.parametrize("value", [FAILED, WIRE])
def test_a_failure_that_is_handed_on_is_what_it_was(tmp_path: Path, value: Any) -> None:
    step = _bound(tmp_path, [], {}, {"anyOf": [failed_values.SCHEMA, RECEIPT]})
    assert json.loads(step.output(value, 1000)) == WIRE


def test_a_failure_must_be_whole(tmp_path: Path) -> None:
    step = _bound(tmp_path, [{"name": "input", "receives": "input"}], failed_values.SCHEMA)
    with pytest.raises(BoundaryError, match="input"):
        step.arguments(FakeTask('{"$failed": {"error": "no"}}'))


def test_no_result_looks_like_a_failure_of_its_step(tmp_path: Path) -> None:
    step = _bound(tmp_path, [], {}, {"type": "object"}, failed_values=True)
    assert step.output({"id": 1}, 1000) == '{"id":1}'
    with pytest.raises(BoundaryError, match="has the key \\$failed, by which"):
        step.output(WIRE, 1000)
    assert _bound(tmp_path, [], {}, {"type": "object"}).output(WIRE, 1000)


def test_callers_get_failures_as_objects_too(tmp_path: Path) -> None:
    contract = _bound(tmp_path, [], {}, RECEIPT, failed_values=True, kind="map").contract
    assert contract.read_output is not None
    assert contract.read_output([{"id": "1"}, WIRE]) == [{"id": "1"}, FAILED]
    assert contract.decode_output is not None
    assert contract.decode_output([WIRE]) == [FAILED]
