"""PGF312: `input` beside other ways of naming dependencies."""

from __future__ import annotations

from pgflow_gen.checks.checked_flow import CheckedFlow, parameter_span
from pgflow_gen.checks.rule import Rule
from pgflow_gen.ir.flow import Parameter, Receives, StepSpec
from pgflow_gen.ir.types import RecordRef

RULE = Rule(
    code="PGF312",
    title="input beside another way of naming dependencies",
    text="""\
`input` is one object with all dependencies, so it is asked for instead of parameters that name steps, not
beside them; and what `depends_on` adds would be in that object without being among its keys. Put all of
them into the TypedDict of `input`, or name every step by a parameter.""",
    bad="""\
from typing import TypedDict

from pgflow_runtime import Flow

shop = Flow[str]("shop")


@shop.step
def reserve(flow_input: str) -> str:
    return flow_input


@shop.step
def charge(flow_input: str) -> int:
    return 5


class Both(TypedDict):
    reserve: str


@shop.step
def ship(input: Both, charge: int) -> str:
    return f"{input['reserve']} for {charge}"
""",
    good="""\
from typing import TypedDict

from pgflow_runtime import Flow

shop = Flow[str]("shop")


@shop.step
def reserve(flow_input: str) -> str:
    return flow_input


@shop.step
def charge(flow_input: str) -> int:
    return 5


class Both(TypedDict):
    reserve: str
    charge: int


@shop.step
def ship(input: Both) -> str:
    return f"{input['reserve']} for {input['charge']}"
""",
)


def check(checked: CheckedFlow) -> None:
    for step in checked.flow.steps:
        param = next(iter(step.params_of(Receives.INPUT)), None)
        # An input that is no TypedDict names no steps: 203.
        if param is not None and isinstance(param.type, RecordRef) and not step.is_map:
            _check_parameters(checked, step, param)
            _check_depends_on(checked, step, param)


def _check_parameters(checked: CheckedFlow, step: StepSpec, param: Parameter) -> None:
    others = [other.name for other in step.params_of(Receives.DEPENDENCY) if other.name in checked.steps]
    if others:
        names = " and ".join(map(repr, others))
        checked.findings.add(
            "PGF312",
            parameter_span(param),
            f"step {step.slug!r} asks for 'input' beside {names}",
            notes=["'input' is an object of all dependencies' outputs"],
            help=f"make {names} {'a key' if len(others) == 1 else 'keys'} of {param.type}, or name every step"
            " by a parameter",
            highlight=param.span,
        )


def _check_depends_on(checked: CheckedFlow, step: StepSpec, param: Parameter) -> None:
    if not isinstance(param.type, RecordRef) or param.type.key not in checked.types.records:
        return
    keys = {item.key for item in checked.types.record(param.type).fields}
    for name in step.depends_on:
        # Of an unknown step 203 tells.
        if name.slug in checked.steps and name.slug not in keys:
            checked.findings.add(
                "PGF312",
                name.span,
                f"step {step.slug!r} depends on {name.slug!r}, which is no key of its input {param.type}",
                help=f"add the key {name.slug!r} to {param.type}",
            )
