"""What flows get of others that they start, and what they start them with.

Decorators cannot say what a flow comes to: its output is declared here, with the handlers' own types, and the
steps that start it are bound to that. What a handler returns is passed on to a function that takes the input.
"""

from __future__ import annotations

from pgflow_gen.ir.flow import StepSpec
from pgflow_gen.ir.types import TypeExpr, TypeTable
from pgflow_gen.render.edges import child_input, step_output
from pgflow_gen.render.literals import py_literal
from pgflow_gen.render.python.annotations import spell
from pgflow_gen.render.python.views import FlowView
from pgflow_gen.render.wiring.generated_types import mentions_generated
from pgflow_gen.render.wiring.module_names import ModuleNames
from pgflow_gen.render.wiring.proofs import declare
from pgflow_gen.render.wiring.source_map import MappedLines, Subject


def add_declarations(view: FlowView, modules: ModuleNames, lines: MappedLines) -> None:
    """The outputs of other flows, and for each step that starts one what takes that one's input."""
    starting = [step for step in view.flow.steps if is_proved(step, view.types)]
    for key in view.record_names:
        if key.is_generated:
            subject = Subject("record", view.flow.key, record=key)
            declare(modules.record(key), key, view.types, modules, lines, subject)
    for step in starting:
        wanted = spell(child_input(step), modules)
        if step.is_async:
            coroutine = modules.imports.use("collections.abc", "Coroutine")
            wanted = f"{coroutine}[{', '.join([modules.imports.use('typing', 'Any')] * 2)}, {wanted}]"
        lines.add("")
        lines.add("")
        lines.add(f"def {starter(view, step)}(value: {wanted}) -> None: ...")


def is_proved(step: StepSpec, types: TypeTable) -> bool:
    """Whether mypy can tell if the step starts its flow with that one's input."""
    return step.child is not None and not mentions_generated(types, step.returns, step.child.input)


def as_generated(value: str, asked: TypeExpr | None, types: TypeTable, modules: ModuleNames) -> str:
    """``value``, or what fits anything where mypy cannot know the type that is asked for."""
    if not mentions_generated(types, asked):
        return value
    use = modules.imports.use
    return f"{use('typing', 'cast')}({py_literal(use('typing', 'Any'))}, None)"


def starter(view: FlowView, step: StepSpec) -> str:
    """The function that takes what the step's handler returns."""
    return f"_{view.stem}_{step.slug}_starts"


def received(step: StepSpec, modules: ModuleNames) -> str:
    """An expression of the type that dependents of the step receive."""
    cast = modules.imports.use("typing", "cast")
    return f"{cast}({py_literal(spell(step_output(step), modules))}, None)"
