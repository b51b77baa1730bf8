"""A flow as the checks look at it: its steps by slug, the types, and every edge with its place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field
from functools import cached_property

from pgflow_gen.checks.assignable import Judge
from pgflow_gen.diagnostics import Findings, Span
from pgflow_gen.ir.flow import Analysis, FlowSpec, Parameter, Receives, StepName, StepSpec
from pgflow_gen.ir.paths import FLOW_INPUT, path_keys
from pgflow_gen.ir.types import Field, RecordRef, TypeExpr, TypeTable
from pgflow_gen.light_dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Edge:
    """A use of another step: by a parameter, a key of ``input``, or an option that names it."""

    slug: str
    span: Span
    param: Parameter | None = None
    """The parameter, also for a key of ``input``."""
    key: Field | None = None
    """The key, when the parameter is ``input``."""
    name: StepName | None = None
    """The reference, for ``array``, ``depends_on``, ``if_ran`` and ``if_skipped``."""

    @property
    def asked(self) -> TypeExpr | None:
        """The type the handler asks for; None where no data is asked for or none is annotated."""
        if self.key is not None:
            return self.key.type
        return self.param.type if self.param is not None else None

    @property
    def label(self) -> str:
        """How a message names what is asked for: ``fetch`` or ``input['fetch']``."""
        return f"input[{self.slug!r}]" if self.key is not None else self.slug


@dataclass(frozen=True)
class CheckedFlow:
    """One flow under judgement."""

    flow: FlowSpec
    analysis: Analysis
    findings: Findings = field(compare=False)

    @cached_property
    def types(self) -> TypeTable:
        return self.analysis.types_of(self.flow)

    @cached_property
    def judge(self) -> Judge:
        return Judge(self.types)

    @cached_property
    def steps(self) -> dict[str, StepSpec]:
        """The steps by slug; of two with one slug (202) the first."""
        known: dict[str, StepSpec] = {}
        for step in self.flow.steps:
            known.setdefault(step.slug, step)
        return known

    def edges(self, step: StepSpec) -> Iterator[Edge]:
        """Every use of another step, in the order parameters, ``array``, other options."""
        for param in step.params:
            if param.receives is Receives.DEPENDENCY:
                yield Edge(param.name, parameter_span(param), param)
            elif param.receives is Receives.INPUT and isinstance(param.type, RecordRef) and not step.is_map:
                for key in self.types.record(param.type).fields:
                    yield Edge(key.key, parameter_span(param), param, key)
        array = (step.array,) if step.array else ()
        for name in (*array, *step.depends_on, *step.if_ran, *step.if_skipped):
            yield Edge(name.slug, name.span, name=name)
        yield from _until(step)

    def known_dependencies(self, step: StepSpec) -> tuple[StepSpec, ...]:
        """The steps of this flow that ``step`` depends on, each once."""
        return tuple(self.steps[slug] for slug in step.dependencies(self.types) if slug in self.steps)

    def note(self, step: StepSpec) -> str:
        return f"step {step.slug!r} is defined at {step.span.path}:{step.span.line}"

    def flow_note(self) -> str:
        span = self.flow.span
        return f"flow {self.flow.slug!r} is defined at {span.path}:{span.line}"


def _until(step: StepSpec) -> Iterator[Edge]:
    """The step whose output a sleep's path begins with."""
    for option in step.options:
        if option.name == "until" and isinstance(option.value, str):
            slug = path_keys(option.value)[0]
            if slug != FLOW_INPUT:
                yield Edge(slug, option.span)


def parameter_span(param: Parameter) -> Span:
    """From the parameter's name to the end of its annotation."""
    end = param.type_span or param.span
    if end.path != param.span.path:
        return param.span
    return Span(param.span.path, param.span.line, param.span.column, end.end_line, end.end_column)
