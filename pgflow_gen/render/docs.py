"""``docs/<flow>.md`` and ``pgflow-gen graph``: the DAG as a picture and a table."""

from __future__ import annotations

from collections.abc import Iterator

from pgflow_gen.ir.flow import CompanionHandler, FlowSpec, Option, Receives, StepSpec
from pgflow_gen.ir.schedule import ScheduleSpec
from pgflow_gen.ir.types import Field, TypeExpr, TypeTable
from pgflow_gen.light_dataclass import dataclass
from pgflow_gen.render.edges import (
    EACH,
    condition_of,
    flow_input,
    flow_output,
    label_of,
    step_input,
    step_output,
)
from pgflow_gen.render.environment import render_template
from pgflow_gen.render.literals import mermaid, py_literal
from pgflow_gen.render.settings.companions import ENDED
from pgflow_gen.render.settings.schedules import marked
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
        lines.append(f"    step_{step.slug}{left}{mermaid(label_of(step))}{right}")
    for step in flow.steps:
        for slug in step.dependencies(types):
            if flow.step(slug) is not None:
                label = condition_of(step, slug)
                plain = f'-- "{EACH}" -->' if step.array_name(types) == slug else "-->"
                arrow = f'-. "{label}" .->' if label else plain
                lines.append(f"    step_{slug} {arrow} step_{step.slug}")
    lines += _companion_lines(flow)
    return "\n".join(lines) + "\n"


def _companion_lines(flow: FlowSpec) -> Iterator[str]:
    """Undos beside what they undo, and ends below the ways in which a run may end."""
    for handler in flow.undos:
        if handler.undone is not None:
            yield f'    undo_{handler.slug}[\\"{mermaid(handler.slug)}"/]'
            yield f'    step_{handler.undone.slug} -. "undo" .-> undo_{handler.slug}'
    for handler in flow.ends:
        run = f'run_{handler.on}(("{ENDED[handler.on]}"))'
        yield f'    {run} -.-> end_{handler.slug}[\\"{mermaid(handler.slug)}"/]'


def flow_document(flow: FlowSpec, types: TypeTable) -> str:
    """``docs/<flow>.md``."""
    return render_template(
        "flow.md.jinja",
        flow=flow,
        input=str(flow_input(flow)),
        output=_spelled(flow_output(flow, types)),
        options=list(_options(flow.options)),
        schedules=[_schedule(schedule) for schedule in flow.schedules],
        companions=[_companion(handler) for handler in flow.companions],
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
        options=(*_subflow(step), *_options(step.options), *_conditions(step)),
        handler=f"{step.module}:{step.function}",
        doc=step.doc,
    )


@dataclass(frozen=True, slots=True)
class _Schedule:
    """A schedule's line of its table."""

    slug: str
    time: str
    options: tuple[tuple[str, str], ...]
    input: str


def _schedule(schedule: ScheduleSpec) -> _Schedule:
    every = schedule.option("every")
    apart = ("cron", "every")
    return _Schedule(
        slug=schedule.slug,
        time=str(schedule.option("cron")) if every is None else f"every {every} s",
        options=tuple(_options(tuple(item for item in schedule.options if item.name not in apart))),
        input=marked(schedule),
    )


@dataclass(frozen=True, slots=True)
class _Companion:
    """An undo's or end's line of their table."""

    slug: str
    kind: str
    of: str
    """What is undone, or which ends of a run it is for."""
    receives: tuple[str, ...]
    handler: str
    doc: str | None


def _companion(handler: CompanionHandler) -> _Companion:
    step = handler.step
    undone = handler.undone.slug if handler.undone is not None else ""
    started = " (also under way)" if handler.when == "started" else ""
    return _Companion(
        slug=handler.slug,
        kind=handler.kind,
        of=f"{undone}{started}" if handler.kind == "undo" else ENDED[handler.on],
        receives=tuple(param.name for param in step.params if param.receives is not Receives.CONTEXT),
        handler=f"{step.module}:{step.function}",
        doc=step.doc,
    )


def _subflow(step: StepSpec) -> Iterator[tuple[str, str]]:
    if step.subflow is not None:
        yield "subflow", py_literal(step.subflow.slug)


def _conditions(step: StepSpec) -> Iterator[tuple[str, str]]:
    for name, steps in (("if_ran", step.if_ran), ("if_skipped", step.if_skipped)):
        if steps:
            yield name, f"[{', '.join(item.slug for item in steps)}]"


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
