"""PGF303: a parameter's type and the output of the step it names disagree."""

from __future__ import annotations

from collections.abc import Iterator

from pgflow_gen.checks.assignable import NO
from pgflow_gen.checks.checked_flow import CheckedFlow, Edge, parameter_span
from pgflow_gen.checks.generated_classes import class_in_generated
from pgflow_gen.checks.rule import Rule
from pgflow_gen.checks.wording import reasons, spell, way_out
from pgflow_gen.ir.companions import given_to
from pgflow_gen.ir.flow import CompanionHandler, Receives, StepSpec
from pgflow_gen.ir.types import NONE, TypeExpr, union

RULE = Rule(
    code="PGF303",
    title="parameter type and dependency output disagree",
    text="""\
A parameter named after a step receives what that step returns, so its annotation has to accept the
step's return type; a map's output is the list of its handler's results. Lists and dicts are invariant
(`list[int]` is no `list[float]`): where that is in the way, ask for `Sequence[...]` or
`Mapping[str, ...]`.""",
    bad="""\
from pgflow_runtime import Flow

crawl = Flow[list[str]]("crawl")


@crawl.map
def fetch(url: str) -> str:
    return f"<p>{url}</p>"


@crawl.step
def count(fetch: list[int]) -> int:
    return len(fetch)
""",
    good="""\
from pgflow_runtime import Flow

crawl = Flow[list[str]]("crawl")


@crawl.map
def fetch(url: str) -> str:
    return f"<p>{url}</p>"


@crawl.step
def count(fetch: list[str]) -> int:
    return len(fetch)
""",
)


def check(checked: CheckedFlow) -> None:
    _check_companions(checked)
    for step in checked.flow.steps:
        for edge in checked.edges(step):
            dependency = checked.steps.get(edge.slug)
            if dependency is None or dependency is step or edge.asked is None or dependency.output is None:
                continue
            if checked.judge.verdict(dependency.output, edge.asked) is NO:
                _report(checked, step, edge, dependency, dependency.output, edge.asked)
            elif not checked.analysis.callers_have_classes:
                lost = class_in_generated(edge.asked, checked.types)
                if lost is not None:
                    _report_generated(checked, step, edge, lost)


def _check_companions(checked: CheckedFlow) -> None:
    """Undos and ends: what they get of a step may be something else than what its dependents get."""
    for handler in checked.flow.companions:
        if handler.kind == "undo" and handler.undone is None:
            continue
        for param in handler.step.params_of(Receives.DEPENDENCY):
            step = checked.steps.get(param.name)
            given = given_to(checked.flow, handler, step) if step is not None else None
            if step is None or given is None or param.type is None:
                continue
            if checked.judge.verdict(given, param.type) is NO:
                shown_given, shown_asked = spell(given, param.type)
                asks = f"{handler.kind} {handler.slug!r} asks for {param.name}: {shown_asked}"
                checked.findings.add(
                    "PGF303",
                    parameter_span(param),
                    f"{asks}, but what it gets of step {step.slug!r} is {shown_given}",
                    notes=[checked.note(step), *_companion_notes(checked, handler, step, given, param.type)],
                    help=way_out(
                        checked.judge, union(given, NONE) if param.has_default else given, param.type
                    ),
                    highlight=param.type_span,
                )


def _companion_notes(
    checked: CheckedFlow, handler: CompanionHandler, step: StepSpec, given: TypeExpr, asked: TypeExpr
) -> Iterator[str]:
    yield from reasons(checked.judge, checked.types, given, asked)
    if handler.undone is not None and step.slug == handler.undone.slug and step.is_map:
        yield f"{step.slug!r} is a map: it is undone element by element"
    undo = checked.flow.undo_of(step.slug) if handler.kind == "undo" and step.is_map else None
    if undo is not None and undo is not handler and undo.when == "started":
        yield f"{step.slug!r} is undone also where it was under way: None stands there then"


def _report(
    checked: CheckedFlow, step: StepSpec, edge: Edge, dependency: StepSpec, given: TypeExpr, asked: TypeExpr
) -> None:
    shown_given, shown_asked = spell(given, asked)
    notes = [checked.note(dependency), *reasons(checked.judge, checked.types, given, asked)]
    if (
        dependency.is_map
        and dependency.returns is not None
        and checked.judge.verdict(dependency.returns, asked) is not NO
    ):
        notes.append(f"{dependency.slug!r} is a map: its output is the list of its handler's results")
    if dependency.subflow is not None and dependency.child is not None:
        fields = checked.types.record(dependency.child.output).fields
        keys = ", ".join(f"{item.key}{'' if item.required else '?'}: {item.type}" for item in fields)
        output = f"{dependency.child.output} is the output of flow {dependency.subflow.slug!r}"
        notes.append(f"{output}: {{{keys}}}")
    if dependency.makes_failed:
        notes.append(f"{dependency.slug!r} has when_exhausted='value': a failed task gives a Failed")
    what = f"the key {edge.slug!r}" if edge.key is not None else "the parameter"
    if edge.key is not None and edge.key.span is not None:
        notes.append(f"the key is declared at {edge.key.span.path}:{edge.key.span.line}")
    asks = f"step {step.slug!r} asks for {edge.label}: {shown_asked}"
    checked.findings.add(
        "PGF303",
        edge.span,
        f"{asks}, but step {dependency.slug!r} returns {shown_given}",
        notes=notes,
        help=way_out(checked.judge, given, asked, what),
        highlight=edge.param.type_span if edge.param is not None else None,
    )


def _report_generated(checked: CheckedFlow, step: StepSpec, edge: Edge, lost: TypeExpr) -> None:
    checked.findings.add(
        "PGF303",
        edge.span,
        f"step {step.slug!r} asks for {edge.label}: {edge.asked}, which holds {lost} as callers get it, not"
        " as the class that handlers do",
        help=f"annotate a TypedDict of your own, with {lost} in it",
        highlight=edge.param.type_span if edge.param is not None else None,
    )
