"""mypy's findings in our words and at our places.

The place comes from the wiring's map, the words from the IR: mypy's text of a TypedDict differs between runs,
so its own words are repeated as a note only where none is in them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from pgflow_gen.diagnostics import Diagnostic, Span
from pgflow_gen.ir.flow import Analysis, FlowSpec, StepSpec
from pgflow_gen.ir.types import AnyType, UnknownType
from pgflow_gen.render import Subject, WiringMap
from pgflow_gen.verify.arguments import argument_words, call_words
from pgflow_gen.verify.decorators import FOLLOWS_EARLY, SIGNATURE, USED_EARLY, decorator_words
from pgflow_gen.verify.mypy_run import Reported

_UNSEEN = 'Expression has type "Any"'
_NOISE = ("Expression has type", "Expression type contains")
"""What ``disallow_any_expr`` says of every handler's coroutine; only a binding's ``Any`` means something."""
_NOT_OURS = frozenset(
    {"empty-body", "no-untyped-def", "no-any-return", "return", "return-value", "type-arg", "unused-ignore"}
)
"""Findings about the function itself and about comments, which are the business of the user's own mypy."""

_OTHERWISE = "to mypy the two differ: in a key, its type, whether it is required or may be written"


class Words:
    """Turns what mypy reported into diagnostics, each at most once."""

    def __init__(
        self,
        analysis: Analysis,
        wiring: WiringMap,
        staged: Path,
        root: Path,
        reported: Iterable[Reported] = (),
    ) -> None:
        self._analysis = analysis
        self._wiring = wiring
        self._staged = staged
        self._root = root
        self._flows = {flow.key: flow for flow in analysis.flows}
        # Lines that use a name above its definition: everything else said there follows from that.
        self._early = {(item.path, item.line) for item in reported if item.code == USED_EARLY}

    def finding(self, reported: Reported) -> Iterator[Diagnostic]:
        """None for what is not about a flow; else one diagnostic."""
        if reported.path == self._staged:
            wired = self._wiring.get(reported.line)
            if wired is not None:
                yield from self._in_wiring(wired, reported)
        elif reported.is_syntax and reported.path.is_relative_to(self._root):
            path = reported.path.relative_to(self._root).as_posix()
            span = Span(path, reported.line, 1, reported.line, 1)
            yield _diagnostic("mypy stops here and cannot judge the flows", span, reported)
        elif reported.code not in _NOT_OURS:
            yield from self._at_decorator(reported)

    def _in_wiring(self, subject: Subject, reported: Reported) -> Iterator[Diagnostic]:
        if subject.kind == "binding" and reported.message == _UNSEEN:
            yield from self._unseen(subject)
        elif reported.message.startswith(_NOISE):
            return
        elif subject.kind == "import":
            yield from self._import(subject, reported)
        elif subject.kind == "record":
            yield self._record(subject, reported)
        elif subject.kind == "input":
            flow = self._flow(subject)
            message = f"mypy cannot see the input type of flow {flow.slug!r}: {flow.input}"
            yield _diagnostic(message, flow.input_span or flow.span, reported)
        elif subject.kind == "schedule":
            yield self._schedule(subject, reported)
        else:
            found = self._at_step(subject, reported)
            if subject.companion is not None:
                said, kind = f"step {subject.step!r}", subject.companion
                found = replace(found, message=found.message.replace(said, f"{kind} {subject.step!r}", 1))
            yield found

    def _at_step(self, subject: Subject, reported: Reported) -> Diagnostic:
        flow, step = self._flow(subject), self._step(subject)
        if subject.kind == "binding":
            message = f"to mypy {step.module}.{step.function} is not the step {step.slug!r}"
            return _diagnostic(message, step.span, reported, help=SIGNATURE)
        if subject.kind == "path":
            option = next(item for item in step.options if item.name == subject.name)
            message = f"to mypy there is no {option.value} for {subject.name} of step {step.slug!r}"
            return _diagnostic(message, option.span, reported)
        if subject.kind == "starts" and reported.code == "arg-type":
            assert step.subflow is not None
            asked = step.child.input if step.child is not None else None
            message = (
                f"step {step.slug!r} starts flow {step.subflow.slug!r} with {step.returns}, "
                f"which mypy does not take for its input, {asked}"
            )
            return _diagnostic(message, step.returns_span or step.span, reported)
        if subject.kind in ("call", "starts") or reported.code == "call-arg":
            message, span = call_words(step, reported)
            return _diagnostic(message, span, reported, help=SIGNATURE)
        words = argument_words(flow, step, subject, reported, self._analysis.types)
        made = _diagnostic(words.message, words.span, reported, help=words.help, notes=words.notes)
        return replace(made, highlight=words.highlight)

    def _unseen(self, subject: Subject) -> Iterator[Diagnostic]:
        """A step that is ``Any`` to mypy although it is annotated: nothing that follows is proved."""
        step = self._step(subject)
        decorator = step.decorator_span
        if (self._root / decorator.path, decorator.line) in self._early:
            return
        if isinstance(step.returns, AnyType | UnknownType | None):
            return
        yield Diagnostic(
            "PGF501",
            f"mypy cannot see this type: step {step.slug!r} returns {step.returns}, but to mypy it is Any",
            step.returns_span or step.span,
            notes=("nothing proves what a step receives from one whose type cannot be seen",),
            help="annotate every decorator of the handler, or install the stubs of the type's package",
        )

    def _import(self, subject: Subject, reported: Reported) -> Iterator[Diagnostic]:
        """At each flow of the module, or else at the first flow that takes types from it."""
        inside = [flow for flow in self._analysis.flows if subject.name in flow.modules]
        for flow in inside or self._analysis.flows[:1]:
            message = f"mypy cannot import the module {subject.name}"
            yield _diagnostic(message, flow.span, reported, help="check src in [tool.pgflow-gen]")

    def _schedule(self, subject: Subject, reported: Reported) -> Diagnostic:
        flow = self._flow(subject)
        schedule = next(item for item in flow.schedules if item.slug == subject.name)
        message = f"mypy does not take the input of schedule {schedule.slug!r} for {flow.input}"
        return _diagnostic(message, schedule.input_span or schedule.span, reported)

    def _record(self, subject: Subject, reported: Reported) -> Diagnostic:
        """The record as the compiler read it is not what mypy sees."""
        assert subject.record is not None
        types = self._analysis.types
        record = types.records.get(subject.record) or types.aliases.get(subject.record)
        span = record.span if record is not None and record.span is not None else self._flow(subject).span
        message = f"mypy reads the type {subject.record} in another way than pgflow-gen"
        way_out = "write it in a simpler form; `build --no-verify` goes on without this proof"
        made = _diagnostic(message, span, reported, help=way_out)
        # Both directions of a proof fail, in different words, for one reason.
        return replace(made, notes=(_OTHERWISE,)) if reported.code == "return-value" else made

    def _at_decorator(self, reported: Reported) -> Iterator[Diagnostic]:
        """In the user's own file, between a step's decorator and its ``def``."""
        if reported.code in FOLLOWS_EARLY and (reported.path, reported.line) in self._early:
            return
        for flow in self._analysis.flows:
            for step in (*flow.steps, *(item.step for item in flow.companions)):
                above, name = step.decorator_span, step.span
                if self._root / name.path != reported.path or not above.line <= reported.line <= name.line:
                    continue
                message, help = decorator_words(flow, step, reported)
                span = above if reported.line < name.line else name
                yield _diagnostic(message, span, reported, help=help)

    def _flow(self, subject: Subject) -> FlowSpec:
        assert subject.flow is not None
        return self._flows[subject.flow]

    def _step(self, subject: Subject) -> StepSpec:
        flow = self._flow(subject)
        if subject.companion is not None:
            handlers = (item for item in flow.companions if item.kind == subject.companion)
            return next(item.step for item in handlers if item.slug == subject.step)
        step = flow.step(subject.step or "")
        assert step is not None
        return step


def _diagnostic(
    message: str,
    span: Span,
    reported: Reported,
    *,
    help: str | None = None,
    notes: tuple[str, ...] = (),
) -> Diagnostic:
    said = () if "TypedDict(" in reported.message else (f"mypy: {reported.message} [{reported.code}]",)
    return Diagnostic("PGF501", message, span, (*notes, *said), help)
