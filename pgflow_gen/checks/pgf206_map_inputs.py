"""PGF206: a map that asks for more or less than its element."""

from __future__ import annotations

from pgflow_gen.checks.checked_flow import CheckedFlow
from pgflow_gen.checks.rule import Rule
from pgflow_gen.ir.flow import Receives, StepSpec

RULE = Rule(
    code="PGF206",
    title="a map has exactly one array, and its handler takes one element of it",
    text="""\
A map runs its handler once for each element of one array: the output of the step given as `array=`, or
the flow's input. The first parameter that is not annotated `Context` receives the element; the handler
may also ask for `flow_input` and the context. Outputs of other steps, `input` and `depends_on` are not
for maps: gather what is needed in a step before, and let its elements carry it.""",
    bad="""\
from pgflow_runtime import Flow

crawl = Flow[list[str]]("crawl")


@crawl.step
def language(flow_input: list[str]) -> str:
    return "en"


@crawl.map
def fetch(url: str, language: str) -> str:
    return f"{url}?lang={language}"
""",
    good="""\
from pgflow_runtime import Flow

crawl = Flow[list[str]]("crawl")


@crawl.array
def localized(flow_input: list[str]) -> list[str]:
    return [f"{url}?lang=en" for url in flow_input]


@crawl.map(array=localized)
def fetch(url: str) -> str:
    return url
""",
)


def check(checked: CheckedFlow) -> None:
    for step in checked.flow.steps:
        if step.is_map:
            _check_map(checked, step)


def _check_map(checked: CheckedFlow, step: StepSpec) -> None:
    extra = [f"{param.name!r}" for param in step.params_of(Receives.DEPENDENCY)]
    if step.element is None:
        # What is left of such a handler is keyword-only; the first of it was surely meant.
        meant, extra = extra[:1], extra[1:]
        checked.findings.add(
            "PGF206",
            step.span,
            f"map {step.slug!r} has no parameter for its element"
            + "".join(f": {name} is keyword-only" for name in meant),
            help="make the element the handler's first parameter, under any name but flow_input and input",
        )
    extra += ["'input'" for _ in step.params_of(Receives.INPUT)]
    if extra:
        checked.findings.add(
            "PGF206",
            step.span,
            f"map {step.slug!r} asks for {' and '.join(extra)} beside its element",
            notes=["a map receives its element, flow_input and the context"],
            help="put what the handler needs into the elements of the array",
        )
    if step.depends_on:
        array = "the flow's input" if step.array is None else f"step {step.array.slug!r}"
        checked.findings.add(
            "PGF206",
            step.span,
            f"map {step.slug!r} has depends_on, but a map depends on its array only",
            notes=[f"its array is {array}"],
            help="let the step that makes the array depend on those steps",
        )
    for name in (*step.if_ran, *step.if_skipped):
        if step.array is None or name.slug != step.array.slug:
            checked.findings.add(
                "PGF206",
                name.span,
                f"map {step.slug!r} depends on {name.slug!r} by its condition, but may on its array only",
                help="give the condition to the step that makes the array",
            )
