"""Flows whose steps are runs of other flows, for tests: parents, children and what happens between them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from tests.support.batch import claim, complete, register
from tests.support.core import Core, Json, Row
from tests.support.timers import fire


def add_subflow(
    core: Core, flow: str, slug: str, deps: Sequence[str] = (), subflow: str = "child", **options: Any
) -> Row:
    """Options: deadline, max_depth; others as for any step."""
    own = {name: options.pop(name) for name in ("deadline", "max_depth") if name in options}
    kind = {"kind": "subflow", "subflow": subflow}
    return core.add_step(flow, slug, list(deps), options=Jsonb({**kind, **own}), **options)


def family(core: Core, **options: Any) -> None:
    """child: work.  parent: bill (a child) -> after"""
    core.create_flow("child", max_attempts=1, base_delay=0)
    core.add_step("child", "work")
    core.create_flow("parent", max_attempts=1, base_delay=0)
    add_subflow(core, "parent", "bill", **options)
    core.add_step("parent", "after", ["bill"])


def children(core: Core, run: UUID, step: str | None = None) -> list[Row]:
    """All of a run, or of a step of it."""
    return core.call("list_children", parent_id=run, only_step=step, max_count=10_000)


def hand_over(core: Core, run: UUID, outputs: Sequence[Json] = ({},), flow: str = "parent") -> list[Row]:
    """The tasks of a flow that are queued give these, and wait for their children, who are returned."""
    tasks = claim(core, (register(core, flow), flow))
    complete(core, tasks, [outputs[index % len(outputs)] for index in range(len(tasks))])
    return children(core, run)


def work(core: Core, flow: str = "child", output: Json = "done") -> list[Row]:
    """All queued tasks of a flow complete with that; then whatever is due is done."""
    tasks = claim(core, (register(core, flow), flow), max_tasks=1000)
    complete(core, tasks, [output] * len(tasks))
    fire(core)
    return tasks
