"""What is done with a packed task at the other end, without a worker: handlers are found by their names."""

from __future__ import annotations

import json
import pickle
import sys
from collections.abc import Iterator
from dataclasses import asdict, replace

import pytest

from pgflow_runtime.contract import FlowContract
from pgflow_runtime.worker.executors.packed import PackedTask
from pgflow_runtime.worker.executors.there import bound_step, run_packed
from pgflow_runtime.worker_config import WorkerConfig
from tests.support.project import Project

FLOWS = """
from pgflow_runtime import Again, Flow, RetryAfter

sums = Flow[int]("sums", executor="process")


@sums.step
def plus(flow_input: int) -> int:
    if flow_input < 0:
        raise RetryAfter(7)
    return flow_input + 1


@sums.step
async def also(flow_input: int) -> int:
    return flow_input + 2


@sums.loop(max_rounds=3)
def turn(flow_input: int, state: int | None = None) -> Again[int] | int:
    return Again(1, after=2) if state is None else state
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    project = Project.make(
        tmp_path_factory.mktemp("there"), {"sums_there/sums.py": FLOWS}, 'flows = ["sums_there"]'
    )
    project.ok("build", "--no-verify")
    sys.path.insert(0, str(project.root))
    yield project
    sys.path.remove(str(project.root))


@pytest.fixture
def task(project: Project) -> PackedTask:
    contract = FlowContract.load(project.root / "generated" / "schemas" / "sums.json")
    return PackedTask(
        flow=contract.flow,
        contract=str(contract.path),
        structure_hash=contract.structure_hash,
        flow_slug="sums",
        step_slug="plus",
        handler="sums_there.sums.plus",
        run_id="00000000-0000-0000-0000-000000000001",
        task_index=0,
        attempt=1,
        msg_id=1,
        seconds=60,
        input="1",
        state=None,
        round=None,
        others=None,
        flow_input="1",
        trace_context=None,
        dsn="postgresql://user:secret@host/database",
        config=json.dumps(asdict(WorkerConfig())),
        executor="process",
    )


def test_handlers_of_every_form_give_what_they_give_in_a_worker(task: PackedTask) -> None:
    turned = replace(task, step_slug="turn")
    assert run_packed(task).text == "2"
    assert run_packed(replace(task, step_slug="also")).text == "3"
    first, last = run_packed(turned), run_packed(replace(turned, state="1", round=2))
    assert (first.kind, first.text, first.delay_ms) == ("round_ended", "1", 2000)
    assert (last.kind, last.text) == ("completed", "1")


def test_what_a_handler_raises_is_a_result(task: PackedTask) -> None:
    asked = run_packed(replace(task, input="-1", flow_input="-1"))
    assert (asked.kind, asked.is_retryable, asked.retry_after) == ("failed", True, 7)
    misfit = run_packed(replace(task, input='"one"', flow_input='"one"'))
    assert (misfit.kind, misfit.is_retryable) == ("failed", False)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"flow": "sums_gone.sums:sums", "contract": "/gone/sums.json"}, "importing sums_gone.sums fails"),
        ({"structure_hash": "other"}, "is of another build than the worker's"),
        ({"step_slug": "gone"}, "has no step 'gone'"),
        ({"config": '{"unheard_of": 1}'}, "unheard_of"),
    ],
)
def test_a_handler_that_cannot_be_used_there_is_a_failure_without_a_retry(
    task: PackedTask, change: dict[str, str], words: str
) -> None:
    result = run_packed(replace(task, **change))  # type: ignore[arg-type]
    assert (result.kind, result.is_retryable) == ("failed", False)
    assert result.text.startswith(
        "BoundaryError: handler: sums_there.sums.plus cannot be used where executor 'process' runs it, on "
    )
    assert words in result.text


def test_the_contract_is_found_in_the_project_of_the_flow_where_the_worker_s_path_is_none(
    task: PackedTask,
) -> None:
    assert run_packed(replace(task, contract="/somewhere/else/generated/schemas/sums.json")).text == "2"
    assert bound_step(task.flow, task.contract, task.structure_hash, "plus").executor == "process"


def test_a_packed_task_travels_and_tells_nobody_its_values(task: PackedTask) -> None:
    assert pickle.loads(pickle.dumps(task)) == task
    assert "secret" not in repr(task)
    assert task.label == "sums/plus[0] attempt 1"
