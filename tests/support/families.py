"""Runs that start one another, and what follows them, driven alike in the database and by the test kit."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias
from uuid import UUID

from pgflow_runtime.contract import FlowContract
from pgflow_runtime.dsl import Flow
from pgflow_runtime.testing.attempt import GivenConnections
from pgflow_runtime.testing.engine.model import Step
from pgflow_runtime.testing.engine.plan import companions_of, plan_of
from pgflow_runtime.testing.engine.stored import store
from pgflow_runtime.testing.family import RunFamily
from pgflow_runtime.testing.flow_under_test import Circumstances, FlowUnderTest
from pgflow_runtime.testing.memory_run import MemoryRun
from tests.support.core import Core
from tests.support.engines import Engine, MemoryEngine, SqlEngine
from tests.support.timers import fire

Place: TypeAlias = tuple[tuple[Any, ...], ...]
"""How a run hangs together with the first: of each run on the way, what it is to the one before."""
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class SqlFamily:
    """A run of ``slug`` in the database, and all that follow from it."""

    def __init__(self, core: Core, slug: str, input: Any, *, is_set_based: bool) -> None:
        self._core, self._is_set_based = core, is_set_based
        self._first = SqlEngine.start_run(core, slug, input, is_set_based=is_set_based)
        self._known: dict[UUID, SqlEngine] = {self._first.run_id: self._first}

    def members(self) -> Mapping[Place, Engine]:
        found: dict[Place, Engine] = {(): self._first}
        places: dict[UUID, Place] = {self._first.run_id: ()}
        waiting = [self._first.run_id]
        while waiting:
            rows = self._core.rows(
                """select o.*, r.flow_slug from pgflow.origins o join pgflow.runs r using (run_id)
                   where o.from_run_id = %s and o.kind in ('child', 'end', 'undo')""",
                waiting.pop(),
            )
            for row in rows:
                step = (row.kind, row.step_slug, row.task_index or 0, row.attempt)
                places[row.run_id] = (*places[row.from_run_id], step)
                waiting.append(row.run_id)
                if row.run_id not in self._known:
                    self._known[row.run_id] = SqlEngine(
                        self._core, row.flow_slug, row.run_id, is_set_based=self._is_set_based
                    )
                found[places[row.run_id]] = self._known[row.run_id]
        return found

    def settle(self) -> None:
        for _ in range(100):
            if not fire(self._core).fired_count:
                return
        raise AssertionError("there is always something due")


class MemoryFamily:
    """The same in memory, by what the database says of its flows."""

    def __init__(self, core: Core, slug: str, input: Any) -> None:
        rows = core.rows("select flow_slug from pgflow.flows")
        self._world = {row.flow_slug: _under_test(core, row.flow_slug) for row in rows}
        self._family = RunFamily(self._world, MemoryRun)
        self._first = self._family.start(slug, store(json.dumps(input)))
        self._known: dict[UUID, Member] = {}

    def members(self) -> Mapping[Place, Member]:
        found: dict[Place, Member] = {}
        waiting: list[tuple[Place, MemoryRun]] = [((), self._first)]
        while waiting:
            place, run = waiting.pop()
            found[place] = self._known.setdefault(run.run_id, Member(run))
            runs = {each.run_id: each for each in self._family.members}
            for key, child in run.timed.model.children.all.items():
                waiting.append(((*place, ("child", *key)), runs[child.id]))
            followed = self._family.followed(run)
            for start, companion in () if followed is None else followed.started:
                waiting.append(((*place, (start.kind, start.slug, 0, start.number)), companion))
        return found

    def settle(self) -> None:
        self._family.settle()

    def steps(self, slug: str) -> list[Step]:
        """Of one of the flows."""
        return list(self._world[slug].plan.steps)

    @property
    def is_open_ended(self) -> bool:
        return any(run.timed.model.open_ended for run in self._family.members)


class Member(MemoryEngine):
    """One run of a family, to which operators do what they do by the test kit."""

    def __init__(self, run: MemoryRun) -> None:
        super().__init__(run.timed)
        self._run = run

    def retry(self) -> None:
        self._run.retry()

    def cancel(self, reason: str) -> None:
        self._run.cancel(reason)


def _under_test(core: Core, slug: str) -> FlowUnderTest:
    definition = core.value("select pgflow.get_flow_definition(%s)", slug)
    settings = definition["settings"]
    order = [
        row.step_slug
        for row in core.rows(
            "select step_slug from pgflow.steps where flow_slug = %s order by step_index", slug
        )
    ]
    plan = plan_of(definition["structure"]["steps"], settings, order)
    contract, nothing = FlowContract(Path("no file")), Circumstances({}, GivenConnections(None, None))
    return FlowUnderTest(Flow[Any](slug), contract, plan, companions_of(settings), nothing)


def without_ids(told: object) -> object:
    """Runs have other ids in each engine."""
    return json.loads(_ID.sub("#", json.dumps(told, default=list)))
