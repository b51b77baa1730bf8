"""What arrives at a step and what leaves a flow, as types.

The table of specification/language.md, "What arrives at a step".
"""

from __future__ import annotations

from collections.abc import Iterator

from pgflow_gen.ir.flow import FlowSpec, Receives, StepSpec
from pgflow_gen.ir.modes import may_be_absent, may_be_missing
from pgflow_gen.ir.types import (
    AliasRef,
    AnyType,
    BoundedType,
    Field,
    ListType,
    NewTypeRef,
    TypeExpr,
    TypeTable,
    UnknownType,
)


def flow_input(flow: FlowSpec) -> TypeExpr:
    return flow.input if flow.input is not None else UnknownType()


def step_output(step: StepSpec) -> TypeExpr:
    """What dependents receive."""
    return step.output if step.output is not None else UnknownType()


def child_input(step: StepSpec) -> TypeExpr:
    """The input of the flow that a step starts."""
    found = step.child.input if step.child is not None else None
    return found if found is not None else UnknownType()


def other_inputs(flow: FlowSpec, step: StepSpec, types: TypeTable) -> tuple[Field, ...]:
    """Of a map: a key for each dependency beside its array, if the handler names any of them."""
    if not step.params_of(Receives.DEPENDENCY):
        return ()
    array = step.array.slug if step.array is not None else None
    return tuple(field for field in dependency_fields(flow, step, types) if field.key != array)


def step_input(flow: FlowSpec, step: StepSpec, types: TypeTable) -> TypeExpr | tuple[Field, ...]:
    """What the database sends a task: the element, the run's input, or the dependencies by slug."""
    if step.is_map:
        source = flow.step(step.array.slug) if step.array is not None else None
        return element_of(step_output(source) if source is not None else flow_input(flow), types)
    fields = tuple(dependency_fields(flow, step, types))
    return fields or flow_input(flow)


def dependency_fields(flow: FlowSpec, step: StepSpec, types: TypeTable) -> Iterator[Field]:
    """A key per dependency, not required when the step also runs without it."""
    for slug in step.dependencies(types):
        dependency = flow.step(slug)
        if dependency is not None:
            yield Field(slug, step_output(dependency), required=not may_be_missing(step, dependency))


def condition_of(step: StepSpec, slug: str) -> str | None:
    """What an edge to ``step`` says that is there for a condition; None for one of data or order."""
    if any(name.slug == slug for name in step.if_skipped):
        return "if skipped"
    others = {param.name for param in step.params} | {name.slug for name in step.depends_on}
    is_array = step.array is not None and step.array.slug == slug
    is_used = slug in others or is_array or bool(step.params_of(Receives.INPUT))
    return "if ran" if any(name.slug == slug for name in step.if_ran) and not is_used else None


EACH = "each"
"""What an edge says by which a map gets its elements, where other edges lead to it as well."""


def label_of(step: StepSpec) -> str:
    """What a picture says in a step's node: its slug, and the flow that it starts."""
    return step.slug if step.subflow is None else f"{step.slug}: {step.subflow.slug}"


def flow_output(flow: FlowSpec, types: TypeTable) -> tuple[Field, ...]:
    """A key per leaf step, not required when the leaf may be absent from a completed run."""
    depended_on = {slug for step in flow.steps for slug in step.dependencies(types)}
    absent = may_be_absent(flow, types)
    return tuple(
        Field(step.slug, step_output(step), required=step.slug not in absent)
        for step in flow.steps
        if step.slug not in depended_on
    )


def element_of(type_: TypeExpr, types: TypeTable) -> TypeExpr:
    """The element's type of a list; ``Any`` where the list hides behind a type nobody can see into."""
    seen: set[AliasRef] = set()
    while True:
        match type_:
            case ListType(item=item):
                return item
            case NewTypeRef(base=base) | BoundedType(base=base):
                type_ = base
            case AliasRef() if type_ not in seen:
                seen.add(type_)
                type_ = types.alias(type_).target
            case _:
                return AnyType()


def topological(flow: FlowSpec, types: TypeTable) -> tuple[StepSpec, ...]:
    """The steps, each after its dependencies, else in the order of definition."""
    waiting = list(flow.steps)
    placed: dict[str, StepSpec] = {}
    known = {step.slug for step in flow.steps}
    while waiting:
        ready = next(
            (step for step in waiting if known.intersection(step.dependencies(types)) <= placed.keys()), None
        )
        if ready is None:
            raise ValueError(
                f"flow {flow.db_slug!r} has a cycle (a finding of its own) and cannot be ordered"
            )
        placed[ready.slug] = ready
        waiting.remove(ready)
    return tuple(placed.values())
