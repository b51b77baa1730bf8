"""Companions as flows: what becomes of a flow's undos and ends in the database.

The undos of a flow are one graph, the transpose of its own: a step is undone after everything that has used
it, however far away. Each has a condition, that its step has something to undo. The undo of a map goes over
the elements that the run has left, which another step picks from the companion's input. An end is one step.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from pgflow_gen.ir.flow import (
    CompanionHandler,
    FlowSpec,
    Json,
    Option,
    Parameter,
    Receives,
    StepName,
    StepSpec,
)
from pgflow_gen.ir.modes import may_be_absent, may_be_missing
from pgflow_gen.ir.types import NONE, ListType, TypeExpr, TypeTable, union
from pgflow_gen.light_dataclass import dataclass
from pgflow_shared.companions import end_slug, pick_slug, undo_slug
from pgflow_shared.options import options_of

_INHERITED = frozenset(options_of("step")) & frozenset(options_of("flow")) - {"executor", "resources"}
"""What a companion has of its flow's options: those that are defaults for steps, but for where handlers run.
What follows a run's end is done in the worker."""


@dataclass(frozen=True, slots=True)
class Companion:
    """One companion: a flow of the database, and the handlers it is made of."""

    flow: FlowSpec
    of: FlowSpec
    handlers: tuple[CompanionHandler, ...]

    @property
    def slug(self) -> str:
        return self.flow.slug

    @property
    def undone(self) -> tuple[str, ...]:
        """The steps that it undoes."""
        return tuple(item.undone.slug for item in self.handlers if item.undone is not None)

    @property
    def reads(self) -> tuple[str, ...]:
        """The steps whose outputs its handlers take beside what they undo, in the order of the flow."""
        read = {slug for handler in self.handlers for slug in reads(handler)}
        return tuple(step.slug for step in self.of.steps if step.slug in read)

    @property
    def asks_for_input(self) -> bool:
        return any(handler.asks_for_input for handler in self.handlers)

    def given(self, step: StepSpec) -> TypeExpr | None:
        """What its input says a step of the flow made."""
        handler = self.of.undo_of(step.slug) if self.undone else None
        return step.output if handler is None else undone_output(step, handler)


def companions(flow: FlowSpec, types: TypeTable) -> tuple[Companion, ...]:
    """The companions of a flow that has no faults: that of its undos, and then those of its ends."""
    found: list[Companion] = []
    if flow.undos:
        steps = tuple(_undo_steps(flow, types))
        found.append(Companion(_flow(flow, undo_slug(flow.db_slug), steps), flow, flow.undos))
    for handler in flow.ends:
        slug = end_slug(flow.db_slug, handler.slug)
        step = replace(handler.step, options=(), params=_params(flow, handler))
        found.append(Companion(_flow(flow, slug, (step,)), flow, (handler,)))
    return tuple(found)


def reads(handler: CompanionHandler) -> Iterator[str]:
    """The steps whose outputs a handler takes beside what it undoes."""
    for param in handler.step.params_of(Receives.DEPENDENCY):
        if handler.undone is None or param.name != handler.undone.slug:
            yield param.name


def given_to(flow: FlowSpec, handler: CompanionHandler, step: StepSpec) -> TypeExpr | None:
    """What a parameter that is called like a step gets, if anything; None comes where it was under way."""
    if handler.undone is not None and step.slug == handler.undone.slug:
        return step.result
    undo = flow.undo_of(step.slug) if handler.kind == "undo" else None
    return step.output if undo is None else undone_output(step, undo)


def undone_value(step: StepSpec, handler: CompanionHandler) -> TypeExpr | None:
    """What an undo gets of its step: never a failure, and one element's result of a map."""
    if step.result is None:
        return None
    return union(step.result, NONE) if handler.when == "started" else step.result


def undone_output(step: StepSpec, handler: CompanionHandler) -> TypeExpr | None:
    """What the input of the undos says that a step made which they undo, if anything: never a failure.

    Of a map it is a list of these.
    """
    value = undone_value(step, handler)
    return ListType(value) if step.is_map and value is not None else step.result


def surely_there(flow: FlowSpec, handler: CompanionHandler, types: TypeTable) -> frozenset[str]:
    """The steps that have completed whenever the handler is called, beside what it undoes."""
    if handler.kind == "end":
        slugs = frozenset(step.slug for step in flow.steps)
        return slugs - may_be_absent(flow, types) if handler.on == "completed" else frozenset()
    found: set[str] = set()
    waiting = [handler.undone.slug] if handler.undone is not None else []
    while waiting:
        step = flow.step(waiting.pop())
        for slug in step.dependencies(types) if step is not None else ():
            before = flow.step(slug)
            if (
                step is not None
                and before is not None
                and slug not in found
                and not may_be_missing(step, before)
            ):
                found.add(slug)
                waiting.append(slug)
    return frozenset(slug for slug in found if not _may_be_left_out(flow, slug))


def _may_be_left_out(flow: FlowSpec, slug: str) -> bool:
    """Whether the undos are not told what a step made, though it completed: a failure has no undo."""
    step = flow.step(slug)
    return step is not None and not step.is_map and step.makes_failed and flow.undo_of(slug) is not None


def _flow(flow: FlowSpec, slug: str, steps: tuple[StepSpec, ...]) -> FlowSpec:
    return FlowSpec(
        slug=slug,
        version=1,
        key=flow.key,
        input=None,
        steps=steps,
        options=tuple(option for option in flow.options if option.name in _INHERITED),
        companion_of=flow.db_slug,
        preset=flow.preset,
        span=flow.span,
        slug_span=flow.slug_span,
    )


def _undo_steps(flow: FlowSpec, types: TypeTable) -> Iterator[StepSpec]:
    below = _below(flow, types)
    for handler in flow.undos:
        assert handler.undone is not None
        slug = handler.undone.slug
        undone = flow.step(slug)
        assert undone is not None
        after = [it for it in flow.undos if it.undone is not None and it.undone.slug in below[slug]]
        step = replace(
            handler.step,
            params=_params(flow, handler),
            depends_on=tuple(StepName(item.slug, item.step.span) for item in after),
        )
        if undone.is_map:
            pick = _pick(handler, undone)
            yield pick
            step = replace(step, kind="map", array=StepName(pick.slug, step.span))
        is_root = not after and not undone.is_map
        yield replace(step, options=(_condition(slug, handler, is_root=is_root),))


def _below(flow: FlowSpec, types: TypeTable) -> dict[str, set[str]]:
    """The steps that depend on each step, however far away."""
    direct: dict[str, set[str]] = {step.slug: set() for step in flow.steps}
    for step in flow.steps:
        for slug in step.dependencies(types):
            direct.setdefault(slug, set()).add(step.slug)
    found: dict[str, set[str]] = {}
    for slug in direct:
        seen, waiting = set[str](), list(direct[slug])
        while waiting:
            other = waiting.pop()
            if other not in seen:
                seen.add(other)
                waiting += direct[other]
        found[slug] = seen
    return found


def _pick(handler: CompanionHandler, undone: StepSpec) -> StepSpec:
    span = handler.step.span
    path: list[Json] = ["steps", undone.slug, "elements"]
    return replace(
        handler.step,
        slug=pick_slug(handler.slug),
        kind="pick",
        is_async=False,
        params=(),
        returns=undone_output(undone, handler),
        options=(Option("pick", path, span), _condition(undone.slug, handler, is_root=True)),
        doc=None,
    )


def _condition(undone: str, handler: CompanionHandler, *, is_root: bool) -> Option:
    pattern: Json = {"steps": {undone: {"done": True}}}
    return Option("if_", pattern if is_root else {"flow_input": pattern}, handler.step.span)


def _params(flow: FlowSpec, handler: CompanionHandler) -> tuple[Parameter, ...]:
    """The handler's parameters in the companion, where no step of the flow is a dependency."""
    undone = flow.step(handler.undone.slug) if handler.undone is not None else None

    def receives(param: Parameter) -> Receives:
        if param.receives is not Receives.DEPENDENCY:
            return param.receives
        is_element = undone is not None and undone.is_map and param.name == undone.slug
        return Receives.ELEMENT if is_element else Receives.PATH

    return tuple(replace(param, receives=receives(param)) for param in handler.step.params)
