"""The words for an argument of a handler that mypy refuses."""

from __future__ import annotations

import re

from pgflow_gen.diagnostics import Span
from pgflow_gen.ir.flow import FlowSpec, Parameter, Receives, StepSpec
from pgflow_gen.ir.types import DictType, ListType, RecordRef, TypeExpr, TypeTable
from pgflow_gen.light_dataclass import dataclass
from pgflow_gen.render import Subject
from pgflow_gen.verify.mypy_run import Reported

_TYPES = re.compile(
    r'has (?:incompatible )?type "(?P<given>.+?)"[;,] (?:expected|TypedDict item .* has type) "'
)
_NAME = re.compile(r'argument "(\w+)"')
_MISSING = re.compile(r"Missing (?:positional|named) arguments? ")


@dataclass(frozen=True, slots=True)
class ArgumentWords:
    message: str
    span: Span
    highlight: Span | None
    """The annotation: what the eye belongs on."""
    notes: tuple[str, ...] = ()
    help: str | None = None


def call_words(step: StepSpec, reported: Reported) -> tuple[str, Span]:
    """A call as a whole: what the decorators made of the handler takes other arguments."""
    match = _NAME.search(reported.message)
    name = match[1] if match else None
    param = next((item for item in step.params if item.name == name), None)
    if _MISSING.match(reported.message) and param is not None:
        message = f"step {step.slug!r} needs a default for {name}: its key is absent when {name!r} is skipped"
    elif _MISSING.match(reported.message):
        message = f"to mypy step {step.slug!r} needs another argument, which no flow can give"
    elif param is not None:
        message = f"step {step.slug!r} asks for {name}, but to mypy what its decorators made takes no {name}"
    else:
        message = f"to mypy step {step.slug!r} cannot be called with what it asks for"
    return message, parameter_span(param) if param is not None else step.span


def argument_words(
    flow: FlowSpec, step: StepSpec, subject: Subject, reported: Reported, types: TypeTable
) -> ArgumentWords:
    """One argument, or one key of ``input``: what is asked for and what arrives."""
    param = next(
        item
        for item in step.params
        if (item.receives is Receives.INPUT if subject.kind == "key" else item.name == subject.name)
    )
    asked, label = param.type, param.name
    if subject.kind == "key" and isinstance(param.type, RecordRef):
        field = types.record(param.type).get(subject.name or "")
        asked, label = (field.type if field is not None else None), f"input[{subject.name!r}]"
    what, source, given = _source(flow, step, param, subject)
    seen = _given(reported)
    if seen is not None and seen != str(given):
        arrives = f"to mypy {what} {seen}"
    else:
        arrives = f"{what} {given}, which mypy does not take for it"
    notes = (f"step {source.slug!r} is defined at {source.span.path}:{source.span.line}",) if source else ()
    return ArgumentWords(
        f"step {step.slug!r} asks for {label}: {asked}, but {arrives}",
        parameter_span(param),
        param.type_span,
        notes,
        _way_out(asked, given),
    )


def _source(
    flow: FlowSpec, step: StepSpec, param: Parameter, subject: Subject
) -> tuple[str, StepSpec | None, TypeExpr | None]:
    """(who gives what, the step that gives it, its type by the IR)."""
    if subject.kind == "key" or param.receives is Receives.DEPENDENCY:
        source = flow.step(subject.name or "")
        return f"step {subject.name!r} returns", source, source.output if source else None
    if param.receives is Receives.ELEMENT:
        source = flow.step(step.array.slug) if step.array is not None else None
        whole = source.output if source is not None else flow.input
        item = whole.item if isinstance(whole, ListType) else None
        return (
            (f"an element of step {source.slug!r} is" if source else "an element of the input is"),
            source,
            item,
        )
    if param.receives is Receives.FLOW_INPUT:
        return "the flow's input is", None, flow.input
    return "what it receives is", None, None


def _given(reported: Reported) -> str | None:
    """The type mypy saw, where its text of it is always the same."""
    match = _TYPES.search(reported.message)
    return match["given"] if match and "TypedDict(" not in match["given"] else None


def _way_out(asked: TypeExpr | None, given: TypeExpr | None) -> str | None:
    """Lists and dicts are invariant: the reader's view of them is not."""
    if isinstance(asked, ListType) and isinstance(given, ListType) and not asked.read_only:
        return f"annotate the parameter as Sequence[{asked.item}] if it is only read, or as {given}"
    if isinstance(asked, DictType) and isinstance(given, DictType) and not asked.read_only:
        return f"annotate the parameter as Mapping[str, {asked.value}] if it is only read, or as {given}"
    return None


def parameter_span(param: Parameter) -> Span:
    """From the parameter's name to the end of its annotation."""
    end = param.type_span or param.span
    if end.path != param.span.path:
        return param.span
    return Span(param.span.path, param.span.line, param.span.column, end.end_line, end.end_column)
