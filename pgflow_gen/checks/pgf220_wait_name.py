"""PGF220: a signal or sleep without a flow, or under another name than its slug."""

from __future__ import annotations

from pgflow_gen.checks.rule import Rule

RULE = Rule(
    code="PGF220",
    title="signal or sleep without a flow, or under another name than its slug",
    text="""\
`Signal` and `Sleep` make a step without a handler: they take the flow and a slug, and are bound to that slug
at module level, so that a step has one name in the module, in parameters and in the database.""",
    bad="""\
from pgflow_runtime import Flow, Signal

order = Flow[str]("order")

approved = Signal[bool](order, "approval")
""",
    good="""\
from pgflow_runtime import Flow, Signal

order = Flow[str]("order")

approval = Signal[bool](order, "approval")
""",
)
