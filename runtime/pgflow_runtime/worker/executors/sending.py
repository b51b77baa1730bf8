"""A worker's tasks on their way to an executor: packed, sent, and their results turned into outcomes."""

from __future__ import annotations

import json
from dataclasses import asdict

from pgflow_runtime.telemetry import Tracing
from pgflow_runtime.worker.executors.base import Elsewhere
from pgflow_runtime.worker.executors.packed import PackedTask
from pgflow_runtime.worker.protocol.outcome import Outcome, failed
from pgflow_runtime.worker.tasks.away import AwayTask
from pgflow_runtime.worker.tasks.binding import BoundStep
from pgflow_runtime.worker.tasks.completion import span_of, traced
from pgflow_runtime.worker_config import WorkerConfig


class Sending:
    """Has tasks done by one executor."""

    def __init__(self, executor: str, elsewhere: Elsewhere, dsn: str, config: WorkerConfig) -> None:
        self._executor = executor
        self._elsewhere = elsewhere
        self._dsn = dsn
        self._config = json.dumps(asdict(config))

    async def perform(self, task: AwayTask) -> Outcome:
        """Have a task done. Every exception is its failure, a cancellation included."""
        tracing: Tracing | None = task.env.tracing
        try:
            if tracing is None:
                return await self._perform(task)
            with span_of(task, tracing) as span:
                return traced(span, task, await self._perform(task))
        except BaseException as error:
            return failed(task.row, error, task.seconds)

    async def _perform(self, task: AwayTask) -> Outcome:
        try:
            packed = await self._pack(task)
            result = await self._elsewhere.run(packed, task.step.contract.resources, task.begin)
        except BaseException as error:
            return failed(task.row, error, task.seconds)
        return result.outcome(task.row, task.seconds)

    async def _pack(self, task: AwayTask) -> PackedTask:
        """With what its handler asks for that the claim did not bring along."""
        row, step = task.row, task.step
        flow_input = row.flow_input
        if flow_input is None and step.wants_flow_input:
            flow_input = await task.env.inputs.get(row.run_id)
        others = await task.env.inputs.get(row.run_id, row.step_slug) if step.wants_others else None
        return PackedTask(
            flow=step.flow.flow,
            contract=str(step.flow.path),
            structure_hash=step.flow.structure_hash,
            flow_slug=row.flow_slug,
            step_slug=row.step_slug,
            handler=_name(step),
            run_id=row.run_id,
            task_index=row.task_index,
            attempt=row.attempt,
            msg_id=row.msg_id,
            seconds=row.timeout,
            input=row.input,
            state=row.state,
            round=row.round,
            others=others,
            flow_input=flow_input,
            trace_context=row.trace_context,
            dsn=self._dsn,
            config=self._config,
            executor=self._executor,
        )


def _name(step: BoundStep) -> str:
    return f"{step.contract.module}.{step.contract.function}"
