"""``docs/<flow>.md`` and ``pgflow-gen graph``: the DAG as a picture and a table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pgflow_gen.ir.flow import FlowSpec, Option, StepSpec
from pgflow_gen.ir.types import Field, TypeExpr, TypeTable
from pgflow_gen.render.edges import flow_input, flow_output, step_input, step_output
from pgflow_gen.render.environment import render_template
from pgflow_gen.render.literals import mermaid, py_literal
from pgflow_shared.kinds import KINDS


@dataclass(frozen=True, slots=True)
class _Row:
    """A step's line of the table."""

    slug: str
    kind: str
    dependencies: tuple[str, ...]
    input: str
    output: str
    options: tuple[tuple[str, str], ...]
    handler: str
    doc: str | None


def render_graph(flow: FlowSpec, types: TypeTable) -> str:
    """The flow as a Mermaid flowchart. Node names carry a prefix: ``end`` alone would end the picture."""
    lines = ["flowchart TD"]
    for step in flow.steps:
        left, right = KINDS[step.kind].mermaid
        lines.append(f"    step_{step.slug}{left}{mermaid(step.slug)}{right}")
    for step in flow.steps:
        lines += [
            f"    step_{slug} --> step_{step.slug}"
            for slug in step.dependencies(types)
            if flow.step(slug) is not None
        ]
    return "\n".join(lines) + "\n"


def flow_document(flow: FlowSpec, types: TypeTable) -> str:
    """``docs/<flow>.md``."""
    return render_template(
        "flow.md.jinja",
        flow=flow,
        input=str(flow_input(flow)),
        output=_spelled(flow_output(flow, types)),
        options=list(_options(flow.options)),
        graph=render_graph(flow, types),
        steps=[_row(flow, step, types) for step in flow.steps],
    )


def _row(flow: FlowSpec, step: StepSpec, types: TypeTable) -> _Row:
    return _Row(
        slug=step.slug,
        kind=step.kind,
        dependencies=step.dependencies(types),
        input=_spelled(step_input(flow, step, types)),
        output=str(step_output(step)),
        options=tuple(_options(step.options)),
        handler=f"{step.module}:{step.function}",
        doc=step.doc,
    )


def _spelled(shape: TypeExpr | tuple[Field, ...]) -> str:
    if not isinstance(shape, tuple):
        return str(shape)
    keys = (f"{field.key}{'' if field.required else '?'}: {field.type}" for field in shape)
    return f"{{{', '.join(keys)}}}"


def _options(options: tuple[Option, ...]) -> Iterator[tuple[str, str]]:
    for option in options:
        value = option.value
        plain = value is None or isinstance(value, str | int)
        yield option.name, py_literal(value) if plain else repr(value)  # type: ignore[arg-type]
