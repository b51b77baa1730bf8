"""PGF206: a map without an element, with several arrays, or that asks for its array as a whole."""

from __future__ import annotations

from pgflow_gen.checks.checked_flow import CheckedFlow, parameter_span
from pgflow_gen.checks.rule import Rule
from pgflow_gen.ir.flow import Parameter, Receives, StepSpec

RULE = Rule(
    code="PGF206",
    title="a map has exactly one array, and its handler takes one element of it",
    text="""\
A map runs its handler once for each element of one array: the output of the step given as `array=`, or
the flow's input. The first parameter that is not annotated `Context` receives the element; further ones
name other steps, whose outputs all tasks get alike, or are `flow_input` and the context. The array as a
whole is not among them, and so there is no `input` either, the object of all dependencies.""",
    bad="""\
from pgflow_runtime import Flow

crawl = Flow[str]("crawl")


@crawl.array
def urls(flow_input: str) -> list[str]:
    return [flow_input]


@crawl.map(array=urls)
def fetch(url: str, urls: list[str]) -> str:
    return f"{url}, one of {len(urls)}"
""",
    good="""\
from pgflow_runtime import Flow

crawl = Flow[str]("crawl")


@crawl.array
def urls(flow_input: str) -> list[str]:
    return [flow_input]


@crawl.step
def count(urls: list[str]) -> int:
    return len(urls)


@crawl.map(array=urls)
def fetch(url: str, count: int) -> str:
    return f"{url}, one of {count}"
""",
)


def check(checked: CheckedFlow) -> None:
    for step in checked.flow.steps:
        if step.is_map:
            _check_element(checked, step)
            for param in step.params:
                if _is_array(step, param):
                    _report_whole(checked, step, param)


def _is_array(step: StepSpec, param: Parameter) -> bool:
    """Whether a parameter means the whole array."""
    if param.receives is Receives.INPUT:
        return True
    name = step.array.slug if step.array is not None else None
    return param.receives is Receives.DEPENDENCY and param.name == name


def _check_element(checked: CheckedFlow, step: StepSpec) -> None:
    if step.element is not None:
        return
    # What is left of such a handler is keyword-only; the first of it was surely meant.
    meant = [f"{param.name!r}" for param in step.params_of(Receives.DEPENDENCY)][:1]
    checked.findings.add(
        "PGF206",
        step.span,
        f"map {step.slug!r} has no parameter for its element"
        + "".join(f": {name} is keyword-only" for name in meant),
        help="make the element the handler's first parameter, under any name but flow_input and input",
    )


def _report_whole(checked: CheckedFlow, step: StepSpec, param: Parameter) -> None:
    array = "the flow's input" if step.array is None else f"step {step.array.slug!r}"
    is_input = param.receives is Receives.INPUT
    checked.findings.add(
        "PGF206",
        parameter_span(param),
        f"map {step.slug!r} asks for {param.name!r} beside its element",
        notes=[f"its array is {array}"],
        help="name the other steps by parameters of their own"
        if is_input
        else "let a step before work out what the handler needs of the whole array, and ask for that step",
        highlight=param.span,
    )
