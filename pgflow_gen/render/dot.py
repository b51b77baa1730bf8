"""A flow's DAG in Graphviz's language."""

from __future__ import annotations

from collections.abc import Iterator

from pgflow_gen.ir.flow import FlowSpec, StepSpec
from pgflow_gen.ir.types import TypeTable
from pgflow_gen.render.companions import ENDED
from pgflow_gen.render.edges import condition_of
from pgflow_shared.kinds import KINDS


def render_dot(flow: FlowSpec, types: TypeTable) -> str:
    """The flow as a digraph, its edges from dependency to dependent."""
    lines = [f"digraph {_quoted(flow.db_slug)} {{", '    node [fontname="sans-serif"];']
    lines += [f"    {_quoted(step.slug)} [shape={KINDS[step.kind].dot}];" for step in flow.steps]
    lines += [
        f"    {_quoted(slug)} -> {_quoted(step.slug)}{_style(step, slug)};"
        for step in flow.steps
        for slug in step.dependencies(types)
        if flow.step(slug) is not None
    ]
    lines += _companion_lines(flow)
    return "\n".join([*lines, "}"]) + "\n"


def _companion_lines(flow: FlowSpec) -> Iterator[str]:
    """Undos beside what they undo, and ends below the ways in which a run may end."""
    for handler in flow.companions:
        node = _quoted(f"{handler.kind} {handler.slug}")
        yield f"    {node} [shape=invtrapezium, label={_quoted(handler.slug)}];"
        if handler.undone is not None:
            yield f'    {_quoted(handler.undone.slug)} -> {node} [style=dashed, label="undo"];'
        elif handler.kind == "end":
            ended = _quoted(ENDED[handler.on])
            yield f"    {ended} [shape=circle];"
            yield f"    {ended} -> {node} [style=dashed];"


def _style(step: StepSpec, slug: str) -> str:
    label = condition_of(step, slug)
    return f" [style=dashed, label={_quoted(label)}]" if label else ""


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
