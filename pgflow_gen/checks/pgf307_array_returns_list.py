"""PGF307: an @array handler that does not return a list."""

from __future__ import annotations

from pgflow_gen.checks.checked_flow import CheckedFlow
from pgflow_gen.checks.rule import Rule
from pgflow_shared.kinds import KINDS

RULE = Rule(
    code="PGF307",
    title="@array handler does not return a list",
    text="""\
`@flow.array` says that a step's output is a list which a map can run over; its handler has to be
annotated `-> list[...]`. For any other return type use `@flow.step`.""",
    bad="""\
from pgflow_runtime import Flow

crawl = Flow[str]("crawl")


@crawl.array
def urls(flow_input: str) -> str:
    return flow_input
""",
    good="""\
from pgflow_runtime import Flow

crawl = Flow[str]("crawl")


@crawl.array
def urls(flow_input: str) -> list[str]:
    return [flow_input]
""",
)


def check(checked: CheckedFlow) -> None:
    for step in checked.flow.steps:
        if (
            not KINDS[step.kind].returns_list
            or step.returns is None
            or checked.judge.element(step.returns) is not None
        ):
            continue
        checked.findings.add(
            "PGF307",
            step.returns_span or step.span,
            f"array step {step.slug!r} must return a list, not {step.returns}",
            help=f"annotate it -> list[...], or use @{checked.flow.key.name}.step",
        )
