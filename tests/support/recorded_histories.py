"""Runs of random flows as recordings, and followed in memory as they were."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg

from pgflow_runtime.contract import FlowContract
from pgflow_runtime.database import queries
from pgflow_runtime.dsl import Flow
from pgflow_runtime.testing.attempt import GivenConnections
from pgflow_runtime.testing.engine.companions import Companions
from pgflow_runtime.testing.engine.model import Step
from pgflow_runtime.testing.family import RunFamily
from pgflow_runtime.testing.flow_under_test import Circumstances, FlowUnderTest
from pgflow_runtime.testing.memory_run import MemoryRun
from pgflow_runtime.testing.recordings.export import recording
from pgflow_runtime.testing.recordings.reading import recordings_of
from pgflow_runtime.testing.recordings.redaction import Redaction
from pgflow_runtime.testing.replay.replayed_run import Manner, ReplayedRun
from tests.support.engines import Record, plan_in_memory


async def followed(
    dsn: str, slug: str, run_id: UUID, steps: list[Step], *, run_timeout: int | None = None
) -> ReplayedRun:
    """The run as it was recorded, done again in memory without a handler."""
    with psycopg.connect(dsn) as connection:
        text = "".join(recording(connection, [run_id], Redaction(), lambda _: None))
        row = connection.execute(queries.GET_DEFINITION, {"flow_slug": slug}).fetchone()
    assert row is not None
    (recorded,) = recordings_of(text, "a history")
    nothing = Circumstances({}, GivenConnections(None, None))
    plan = plan_in_memory(steps, run_timeout)
    contract = _contract(slug, row[0], steps)
    world = {slug: FlowUnderTest(Flow[Any](slug), contract, plan, Companions(), nothing)}
    run = ReplayedRun(RunFamily(world, MemoryRun), recorded, Manner(steps=(), goes_on=False))
    await run.work()
    return run


def ending(record: Record) -> Record:
    """What has become of a run and its steps, as it is shown: what was open at the end was cancelled."""
    facts = {slug: found[:3] for slug, found in record.items() if slug != "run"}
    if record["run"][0] != "started":
        facts = {slug: (_ended(status), *others) for slug, (status, *others) in facts.items()}
    return {"run": record["run"], **facts}


def _ended(status: str) -> str:
    return "cancelled" if status in ("created", "started") else status


def _contract(slug: str, definition: dict[str, Any], steps: list[Step]) -> FlowContract:
    """As of handlers that take and give anything."""
    of_steps: dict[str, Any] = {
        step.slug: {
            "module": "m",
            "function": step.slug,
            "kind": "map" if step.kind == "map" else "step" if step.wait is None else step.wait.what,
            "async": False,
            "transactional": False,
            "params": [],
            "input": {},
            "output": {},
        }
        for step in steps
    }
    meta = {"slug": slug, "version": 1, "flow": f"m:{slug}", "modules": [], "structure_hash": ""}
    document = {
        "properties": {"input": {}, "output": {}},
        "$defs": {},
        "x-pgflow": {**meta, **definition, "steps": of_steps},
    }
    return FlowContract.of(document, Path("m.py"))
