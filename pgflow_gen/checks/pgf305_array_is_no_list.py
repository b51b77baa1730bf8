"""PGF305: array= names a step that does not return a list."""

from __future__ import annotations

from pgflow_gen.checks.checked_flow import CheckedFlow
from pgflow_gen.checks.rule import Rule
from pgflow_shared.kinds import KINDS

RULE = Rule(
    code="PGF305",
    title="array= names a step that does not return a list",
    text="""\
A map runs once for each element of its array, so the step given as `array=` has to return a list. Make
it `@flow.array`, and the return type is checked where it is written. With `when_exhausted="value"` it
returns a list or a `Failed`, which is no list.""",
    bad="""\
from pgflow_runtime import Flow

crawl = Flow[str]("crawl")


@crawl.step
def urls(flow_input: str) -> str:
    return flow_input


@crawl.map(array=urls)
def fetch(url: str) -> int:
    return len(url)
""",
    good="""\
from pgflow_runtime import Flow

crawl = Flow[str]("crawl")


@crawl.array
def urls(flow_input: str) -> list[str]:
    return [flow_input]


@crawl.map(array=urls)
def fetch(url: str) -> int:
    return len(url)
""",
)


def check(checked: CheckedFlow) -> None:
    for step in checked.flow.steps:
        if not step.is_map or step.array is None:
            continue
        array = checked.steps.get(step.array.slug)
        if array is None or array is step or array.output is None:
            continue
        if checked.judge.element(array.output) is not None:
            continue
        # An @array step that returns no list is reported there (307).
        if KINDS[array.kind].returns_list and not array.makes_failed:
            continue
        otherwise = (
            'write when_exhausted="skip" or "fail"'
            if array.makes_failed
            else f"let {array.slug!r} return a list"
        )
        checked.findings.add(
            "PGF305",
            step.array.span,
            f"map {step.slug!r} runs over step {array.slug!r}, but that returns {array.output}, not a list",
            notes=[checked.note(array)],
            help=f"{otherwise}, or map over another step",
        )
