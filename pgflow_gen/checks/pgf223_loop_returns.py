"""PGF223: a loop whose handler does not say how it goes on and how it ends."""

from __future__ import annotations

from pgflow_gen.checks.rule import Rule

RULE = Rule(
    code="PGF223",
    title="loop does not return Again[State] | Result",
    text="""\
A loop's handler returns `Again(...)` to be run again, and anything else to end: its annotation is
`Again[State] | Result`, where State is what one round leaves to the next (`Again[None]`: nothing) and Result
is the step's output.""",
    bad="""\
from pgflow_runtime import Flow

order = Flow[str]("order")


@order.loop(max_rounds=10)
def delivered(flow_input: str) -> bool:
    return True
""",
    good="""\
from pgflow_runtime import Again, Flow

order = Flow[str]("order")


@order.loop(max_rounds=10)
def delivered(flow_input: str) -> Again[None] | bool:
    return True
""",
)
