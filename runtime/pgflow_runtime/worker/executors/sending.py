"""A worker's tasks on their way to an executor: packed, sent, and their results turned into outcomes."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from typing import Final

from pgflow_runtime.telemetry import Tracing
from pgflow_runtime.worker.executors.base import Elsewhere
from pgflow_runtime.worker.executors.packed import PackedTask
from pgflow_runtime.worker.logs import logger
from pgflow_runtime.worker.protocol.outcome import Outcome, failed
from pgflow_runtime.worker.tasks.away import AwayTask
from pgflow_runtime.worker.tasks.binding import BoundStep
from pgflow_runtime.worker.tasks.completion import span_of, traced
from pgflow_runtime.worker_config import WorkerConfig

_SAY_AGAIN: Final = 60.0
"""Seconds after which it is said again that a step's tasks find no room."""


class Sending:
    """Has tasks done by one executor."""

    def __init__(self, executor: str, elsewhere: Elsewhere, dsn: str, config: WorkerConfig) -> None:
        self._executor = executor
        self._elsewhere = elsewhere
        self._dsn = dsn
        self._config = json.dumps(asdict(config))
        self._said: dict[tuple[str, str], float] = {}
        """When it was last said of a step, by its flow's slug and its own."""

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
            if task.ending == "unbegun":
                self._say_crowded(task)
            return failed(task.row, error, task.seconds)
        return result.outcome(task.row, task.seconds)

    def _say_crowded(self, task: AwayTask) -> None:
        """Its task goes back to the queue, again and again where there will never be room."""
        step, now = (task.row.flow_slug, task.row.step_slug), time.monotonic()
        if now - self._said.get(step, -_SAY_AGAIN) < _SAY_AGAIN:
            return
        self._said[step] = now
        resources = task.step.contract.resources
        asked = f": does it offer {dict(resources)} at all?" if resources else ""
        logger.warning(
            "%s/%s finds no room at executor %s, its tasks go back to their queue%s",
            *step,
            f'"{self._executor}"',
            asked,
        )

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
