"""The flows a worker process serves, each with its own row in ``pgflow.workers``."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from uuid import uuid4

from pgflow_runtime.contract import FlowContract
from pgflow_runtime.database.arrays import plain, texts
from pgflow_runtime.worker.tasks.binding import BoundStep


class ServedFlow:
    """A flow, its bound steps by slug, and this worker's id for it."""

    def __init__(self, contract: FlowContract, steps: Mapping[str, BoundStep]) -> None:
        self.contract = contract
        self.slug = contract.slug
        self.steps = steps
        self.worker_id = str(uuid4())
        self.is_deprecated = False


class ServedFlows:
    """All flows of a process."""

    def __init__(self, flows: Sequence[ServedFlow], name: str, details: Mapping[str, object]) -> None:
        self.all = tuple(flows)
        self._name = name
        self._details = json.dumps(details)
        self._by_slug = {flow.slug: flow for flow in flows}
        self._by_worker = {flow.worker_id: flow for flow in flows}
        self.flow_input_steps = texts(self._asking_for_flow_input())
        """Dependent steps and maps whose handler asks for the flow's input, as an array literal."""

    @property
    def active(self) -> tuple[ServedFlow, ...]:
        """The flows that may still take new tasks."""
        return tuple(flow for flow in self.all if not flow.is_deprecated)

    @property
    def worker_ids(self) -> str:
        return plain(flow.worker_id for flow in self.all)

    @property
    def started_elsewhere(self) -> tuple[str, ...]:
        """The flows whose runs steps of these start, and which are not among these."""
        started = (step.subflow for flow in self.all for step in flow.contract.steps.values())
        return tuple(sorted({slug for slug in started if slug is not None} - self._by_slug.keys()))

    def registration(self, flow: ServedFlow) -> tuple[str, str, str, str]:
        """What ``register_worker`` is told of a flow."""
        return flow.worker_id, flow.slug, self._name, self._details

    def step(self, flow_slug: str, step_slug: str) -> BoundStep | None:
        flow = self._by_slug.get(flow_slug)
        return None if flow is None else flow.steps.get(step_slug)

    def of_worker(self, worker_id: str) -> ServedFlow | None:
        return self._by_worker.get(worker_id)

    def _asking_for_flow_input(self) -> list[str]:
        asking: list[str] = []
        for flow in self.all:
            for item in flow.contract.structure["steps"]:
                brings_it_along = item["type"] == "single" and not item["dependencies"]
                step = flow.steps.get(item["slug"])
                if step is not None and step.wants_flow_input and not brings_it_along:
                    asking.append(f"{flow.slug}.{item['slug']}")
        return asking
