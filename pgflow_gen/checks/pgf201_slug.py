"""PGF201: a slug that is none. The form of a slug is judged where it is read; here is the rest."""

from __future__ import annotations

from pgflow_gen.checks.checked_flow import CheckedFlow
from pgflow_gen.checks.rule import Rule
from pgflow_shared.companions import end_slug, is_reserved, undo_slug
from pgflow_shared.slugs import MAX_FLOW_LENGTH, RESERVED_FOR_FLOWS, RESERVED_FOR_STEPS, is_slug

RULE = Rule(
    code="PGF201",
    title="invalid slug",
    text="""\
A slug is a name in the database: letters, digits and underscores, not starting with a digit, 1 to 128
characters. A flow's slug is also the name of its queue, so it has at most 47 characters (the version's
suffix included) and differs from every other flow's by more than case. The undos of a flow `order` become a
flow `order__undo`, an end `tell` becomes `order__end_tell`: these have to fit as well, and no other flow may
be called so.

A handler's parameters are named after the steps they receive. The names that mean something else there
(flow_input, input, run, ctx) can therefore be no step's slug.""",
    bad="""\
from pgflow_runtime import Flow

crawl = Flow[list[str]]("crawl-pages")


@crawl.step
def count(flow_input: list[str]) -> int:
    return len(flow_input)
""",
    good="""\
from pgflow_runtime import Flow

crawl = Flow[list[str]]("crawl_pages")


@crawl.step
def count(flow_input: list[str]) -> int:
    return len(flow_input)
""",
)


_KEPT_FOR = {
    "flow_input": "the run's input",
    "input": "the object of all dependencies' outputs",
    "ctx": "the task's context",
    "run": "the database",
}


def check(checked: CheckedFlow) -> None:
    flow, findings = checked.flow, checked.findings
    if is_slug(flow.slug):
        if flow.slug in RESERVED_FOR_FLOWS:
            findings.add("PGF201", flow.slug_span, f"{flow.slug!r} is a reserved word, no slug for a flow")
        if is_reserved(flow.slug):
            findings.add(
                "PGF201",
                flow.slug_span,
                f"{flow.slug!r} is a slug for the undos or an end of another flow",
                notes=["slugs that end in __undo or __end, or contain __end_, are kept for those"],
                help="choose another slug",
            )
        _check_length(checked)
        _check_companions(checked)
    for step in flow.steps:
        if step.slug in RESERVED_FOR_STEPS:
            findings.add(
                "PGF201",
                step.slug_span or step.span,
                f"{step.slug!r} is a reserved word, no slug for a step",
                notes=[f"it is kept for {_KEPT_FOR[step.slug]}"],
                help=f"name the step otherwise, for example slug='{step.slug}_step'",
            )


def _check_companions(checked: CheckedFlow) -> None:
    """The slugs of what the compiler writes beside the flow; where the flow's own is too long, that is it."""
    flow = checked.flow
    if len(flow.db_slug) > MAX_FLOW_LENGTH:
        return
    undos = [(handler, undo_slug(flow.db_slug)) for handler in flow.undos[:1]]
    for handler, slug in (*undos, *((item, end_slug(flow.db_slug, item.slug)) for item in flow.ends)):
        if len(slug) > MAX_FLOW_LENGTH:
            checked.findings.add(
                "PGF201",
                handler.step.span,
                f"{handler.kind} {handler.slug!r} becomes the flow {slug!r}, whose slug has {len(slug)}"
                f" characters; a flow's slug has at most {MAX_FLOW_LENGTH}",
                notes=["a flow's slug is also the name of its queue"],
                help="choose a shorter slug for the flow" + (" or name" if handler.kind == "end" else ""),
            )
    for handler in flow.companions:
        if handler.slug in RESERVED_FOR_STEPS:
            checked.findings.add(
                "PGF201",
                handler.step.span,
                f"{handler.slug!r} is a reserved word, no name for an {handler.kind}",
                notes=[f"it is kept for {_KEPT_FOR[handler.slug]}"],
                help="name the function otherwise",
            )


def _check_length(checked: CheckedFlow) -> None:
    flow = checked.flow
    length = len(flow.db_slug)
    if length <= MAX_FLOW_LENGTH:
        return
    shown = f"{flow.slug!r}" if flow.version == 1 else f"{flow.slug!r} (in the database {flow.db_slug!r})"
    checked.findings.add(
        "PGF201",
        flow.slug_span,
        f"the slug {shown} has {length} characters; a flow's slug has at most {MAX_FLOW_LENGTH}",
        notes=["a flow's slug is also the name of its queue"],
        help="choose a shorter slug",
    )
