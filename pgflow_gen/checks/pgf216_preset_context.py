"""PGF216: a preset's context in a flow that is not of the preset."""

from __future__ import annotations

from pgflow_gen.checks.rule import Rule

RULE = Rule(
    code="PGF216",
    title="a preset's context in a flow of another kind",
    text="""\
What a preset's `Context` has beside the plain one, such as `ctx.supabase`, is there in flows of that preset
only: their worker is known to bring it along. So `Flow` is imported from the same module as `Context`. A
flow of a preset may also ask for the plain `Context`.""",
    bad="""\
from pgflow_runtime import Flow
from pgflow_runtime.supabase import Context

crawl = Flow[str]("crawl")


@crawl.step
def fetch(flow_input: str, ctx: Context) -> str:
    return flow_input
""",
    good="""\
from pgflow_runtime.supabase import Context, Flow

crawl = Flow[str]("crawl")


@crawl.step
def fetch(flow_input: str, ctx: Context) -> str:
    return flow_input
""",
)
