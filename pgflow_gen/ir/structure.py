"""A flow's structure: what migration, client and worker compare, by its hash."""

from __future__ import annotations

from pgflow_gen.ir.flow import FlowSpec, StepSpec
from pgflow_gen.ir.types import TypeTable
from pgflow_shared.kinds import KINDS
from pgflow_shared.structure import StepStructure, Structure


def structure(flow: FlowSpec, types: TypeTable) -> Structure:
    """The flow's structure as JSON-ready data."""
    steps = [_step(step, types) for step in flow.steps]
    return {"steps": sorted(steps, key=lambda step: step["slug"])}


def _step(step: StepSpec, types: TypeTable) -> StepStructure:
    kind = KINDS[step.kind]
    found: StepStructure = {
        "slug": step.slug,
        "type": kind.sql_type,
        "dependencies": sorted(step.dependencies(types)),
    }
    return found if kind.sql_kind == "task" else {**found, "kind": kind.sql_kind}
