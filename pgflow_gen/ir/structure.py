"""A flow's structure: what migration, client and worker compare, by its hash."""

from __future__ import annotations

from pgflow_gen.ir.flow import FlowSpec, StepSpec
from pgflow_gen.ir.types import TypeTable
from pgflow_shared.kinds import KINDS
from pgflow_shared.structure import StepStructure, Structure


def structure(flow: FlowSpec, types: TypeTable) -> Structure:
    """The flow's structure as JSON-ready data."""
    steps = [_step(flow, step, types) for step in flow.steps]
    return {"steps": sorted(steps, key=lambda step: step["slug"])}


def _step(flow: FlowSpec, step: StepSpec, types: TypeTable) -> StepStructure:
    found: StepStructure = {
        "slug": step.slug,
        "type": KINDS[step.kind].sql_type,
        "dependencies": sorted(step.dependencies(types)),
    }
    if step.sql_kind != "task":
        found["kind"] = step.sql_kind
    if step.subflow is not None:
        found["subflow"] = step.subflow.slug
    array = step.array_name(types)
    if array is not None:
        found["array"] = array
    undo = flow.undo_of(step.slug)
    if undo is not None:
        found["undo"] = undo.slug
    return found
