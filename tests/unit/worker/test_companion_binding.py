"""What handlers of undos and ends get: parts of the input that their companion's run was started with."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pgflow_gen.config import Config
from pgflow_gen.pipeline import build
from pgflow_runtime.dsl.context import Context
from pgflow_runtime.errors import BoundaryError
from pgflow_runtime.project import find_project
from pgflow_runtime.registry import load_flow
from pgflow_runtime.worker.process.startup import bind
from pgflow_runtime.worker.tasks.binding import BoundStep
from pgflow_runtime.worker_config import WorkerConfig

FLOWS = """\
from dataclasses import dataclass

from pgflow_runtime import Context, Flow, RunEnd


@dataclass
class Receipt:
    id: str


order = Flow[list[int]]("order")


@order.map
def stock(item: int) -> Receipt:
    return Receipt(str(item))


@order.step
def charge(stock: list[Receipt]) -> Receipt:
    return Receipt("all")


@order.undo(stock, when="started")
def put_back(stock: Receipt | None, ctx: Context, flow_input: list[int]) -> None: ...


@order.undo(charge, when="started")
async def refund(charge: Receipt | None, run_end: RunEnd) -> None: ...


@order.end(on="failed")
def tell(run_end: RunEnd, charge: Receipt | None = Receipt("none")) -> None: ...
"""
RUN_END: dict[str, Any] = {
    "run_id": "5e4c", "status": "failed", "error": "no stock", "failed_step": "ship", "failed_task": None,
    "reason": None, "undone": "completed",
}  # fmt: skip


class FakeTask:
    def __init__(self, step: BoundStep, text: str, whole: Any) -> None:
        self._step, self._text, self._whole = step, text, whole
        self.the_context = Context.for_test()

    def input_text(self) -> str | None:
        return self._text

    def state_text(self) -> str | None:
        return None

    def others_text(self) -> str:
        return "{}"

    def flow_input(self) -> Any:
        return self._step.flow_input(json.dumps(self._whole))

    def context(self) -> Context:
        return self.the_context


@pytest.fixture(scope="module")
def steps(tmp_path_factory: pytest.TempPathFactory) -> dict[str, BoundStep]:
    """The handlers of the companions of a flow that was built and loaded as a worker does it."""
    root = tmp_path_factory.mktemp("companions")
    (root / "flows").mkdir()
    (root / "flows" / "companion_binding.py").write_text(FLOWS)
    (root / "pyproject.toml").write_text('[tool.pgflow-gen]\nflows = ["flows"]\nsrc = ["flows"]\n')
    report = build(Config(root, src=("flows",)), verify=False)
    assert not report.diagnostics
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(root / "flows"))
        registered = load_flow("companion_binding:order", find_project(root))
        served = bind([registered], WorkerConfig())
    assert [flow.slug for flow in served.all] == ["order", "order__undo", "order__end_tell"]
    assert "order__undo.put_back_items" not in served.flow_input_steps
    assert "order__undo.put_back" in served.flow_input_steps
    return {slug: step for flow in served.all[1:] for slug, step in flow.steps.items()}


def whole(**steps: Any) -> dict[str, Any]:
    return {"run_end": RUN_END, "steps": steps, "flow_input": [1]}


def arguments(step: BoundStep, text: str, given: Any) -> dict[str, Any]:
    positional, named = step.arguments(FakeTask(step, text, given))
    assert positional == []
    return named


def test_an_end_gets_how_the_run_ended_and_outputs_as_their_types_say(steps: dict[str, BoundStep]) -> None:
    given = whole(charge={"done": True, "output": {"id": "7"}})
    named = arguments(steps["tell"], json.dumps(given), given)
    assert named["run_end"] == RUN_END
    assert named["charge"].id == "7"


def test_what_was_not_made_is_the_parameters_default(steps: dict[str, BoundStep]) -> None:
    given = whole(charge={"done": False})
    assert arguments(steps["tell"], json.dumps(given), given) == {"run_end": RUN_END}


def test_what_was_under_way_is_none_to_its_undo(steps: dict[str, BoundStep]) -> None:
    given = whole(charge={"done": True}, stock={"done": True, "output": [None]})
    assert arguments(steps["refund"], json.dumps(given), given) == {"run_end": RUN_END, "charge": None}


def test_the_undo_of_a_map_gets_an_element_and_the_input_of_the_run(steps: dict[str, BoundStep]) -> None:
    given = whole(charge={"done": False}, stock={"done": True, "output": [{"id": "1"}, None]})
    named = arguments(steps["put_back"], '{"id": "1"}', given)
    assert (named["stock"].id, named["flow_input"], set(named)) == ("1", [1], {"stock", "ctx", "flow_input"})
    assert arguments(steps["put_back"], "null", given)["stock"] is None


def test_an_output_that_does_not_fit_is_refused_at_the_boundary(steps: dict[str, BoundStep]) -> None:
    given = whole(charge={"done": True, "output": {"id": 7}})
    with pytest.raises(BoundaryError, match=r"flow_input\.steps\.charge\.output\.id"):
        arguments(steps["tell"], json.dumps(given), given)
