"""From a claimed task's input to a handler's arguments, as the contract's parameters say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pgflow_runtime import Context
from pgflow_runtime.contract import FlowContract
from pgflow_runtime.errors import BoundaryError
from pgflow_runtime.worker.tasks.binding import BoundStep

OBJECT = {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "string"}}}


class FakeTask:
    def __init__(self, text: str | None, flow_input: Any = None) -> None:
        self._text = text
        self._flow_input = flow_input
        self.the_context = Context.for_test()

    def input_text(self) -> str | None:
        return self._text

    def flow_input(self) -> Any:
        return self._flow_input

    def context(self) -> Context:
        return self.the_context


def _bound(tmp_path: Path, params: list[dict[str, Any]], input: Any, output: Any = None) -> BoundStep:
    step = {
        "module": "m",
        "function": "f",
        "kind": "step",
        "async": False,
        "transactional": False,
        "params": [{"positional_only": False, "default": False, **param} for param in params],
        "input": input,
        "output": {} if output is None else output,
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
