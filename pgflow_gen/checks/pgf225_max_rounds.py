"""PGF225: a loop without a bound."""

from __future__ import annotations

from pgflow_gen.checks.checked_flow import CheckedFlow
from pgflow_gen.checks.rule import Rule

RULE = Rule(
    code="PGF225",
    title="loop without max_rounds",
    text="""\
A loop says how often it may run at most: `max_rounds`, 1 to 100,000. One that asks for more is exhausted, and
`when_exhausted` says what follows; `deadline` bounds its time besides.""",
    bad="""\
from pgflow_runtime import Again, Flow

order = Flow[str]("order")


@order.loop(every=30)
def delivered(flow_input: str) -> Again[None] | bool:
    return True
""",
    good="""\
from pgflow_runtime import Again, Flow

order = Flow[str]("order")


@order.loop(every=30, max_rounds=200)
def delivered(flow_input: str) -> Again[None] | bool:
    return True
""",
)


def check(checked: CheckedFlow) -> None:
    for step in checked.flow.steps:
        if step.kind == "loop" and step.option("max_rounds") is None and not step.hides("max_rounds"):
            checked.findings.add(
                "PGF225",
                step.decorator_span,
                f"loop {step.slug!r} does not say how often it may run",
                help="write max_rounds=..., 1 to 100,000",
            )
