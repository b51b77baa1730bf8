"""A flow's DAG in Graphviz's language."""

from __future__ import annotations

from collections.abc import Iterator

from pgflow_gen.ir.flow import FlowSpec, StepSpec
from pgflow_gen.ir.types import TypeTable
from pgflow_gen.render.edges import EACH, condition_of, label_of
from pgflow_gen.render.settings.companions import ENDED
from pgflow_shared.kinds import KINDS


def render_dot(flow: FlowSpec, types: TypeTable) -> str:
    """The flow as a digraph, its edges from dependency to dependent."""
    lines = [f"digraph {_quoted(flow.db_slug)} {{", '    node [fontname="sans-serif"];']
    lines += [f"    {_quoted(step.slug)} [{_node(step)}];" for step in flow.steps]
    lines += [
        f"    {_quoted(slug)} -> {_quoted(step.slug)}{_style(step, slug, types)};"
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


def _node(step: StepSpec) -> str:
    label = f", label={_quoted(label_of(step))}" if step.subflow is not None else ""
    return f"shape={KINDS[step.kind].dot}{label}"


def _style(step: StepSpec, slug: str, types: TypeTable) -> str:
    label = condition_of(step, slug)
    if label:
        return f" [style=dashed, label={_quoted(label)}]"
    return f" [label={_quoted(EACH)}]" if step.array_name(types) == slug else ""


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
