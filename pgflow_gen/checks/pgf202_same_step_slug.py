"""PGF202: two steps of a flow with the same slug."""

from __future__ import annotations

from pgflow_gen.checks.checked_flow import CheckedFlow
from pgflow_gen.checks.rule import Rule
from pgflow_gen.ir.flow import CompanionHandler
from pgflow_shared.companions import pick_slug

RULE = Rule(
    code="PGF202",
    title="two steps of a flow have the same slug",
    text="""\
A step's slug is its name within the flow: dependents ask for it, and the database keeps its tasks under
it. The slug is the handler's name unless `slug=` says otherwise.""",
    bad="""\
from pgflow_runtime import Flow

shop = Flow[str]("shop")


@shop.step
def pack(flow_input: str) -> str:
    return flow_input


@shop.step(slug="pack")
def pack_gift(flow_input: str) -> str:
    return f"{flow_input}, with a bow"
""",
    good="""\
from pgflow_runtime import Flow

shop = Flow[str]("shop")


@shop.step
def pack(flow_input: str) -> str:
    return flow_input


@shop.step
def pack_gift(flow_input: str) -> str:
    return f"{flow_input}, with a bow"
""",
)


def check(checked: CheckedFlow) -> None:
    _check_companions(checked)
    for step in checked.flow.steps:
        first = checked.steps[step.slug]
        if first is step:
            continue
        checked.findings.add(
            "PGF202",
            step.span,
            f"flow {checked.flow.slug!r} has a step {step.slug!r} already",
            notes=[f"the first step {first.slug!r} is defined at {first.span.path}:{first.span.line}"],
            help="rename the function, or give one of them another slug=...",
        )


def _check_companions(checked: CheckedFlow) -> None:
    """Undos are steps of one flow, some with a step before them; ends are flows: case does not count."""
    taken: dict[tuple[str, str], CompanionHandler] = {}
    for handler in checked.flow.companions:
        names = [handler.slug if handler.kind == "undo" else handler.slug.lower()]
        undone = checked.steps.get(handler.undone.slug) if handler.undone is not None else None
        names += [pick_slug(handler.slug)] if undone is not None and undone.is_map else []
        for name in names:
            first = taken.setdefault((handler.kind, name), handler)
            if first is not handler:
                checked.findings.add(
                    "PGF202",
                    handler.step.span,
                    f"flow {checked.flow.slug!r} has an {handler.kind} {first.slug!r} already, and"
                    f" {name!r} would be both",
                    notes=[f"{first.slug!r} is defined at {first.step.span.path}:{first.step.span.line}"],
                    help="rename one of the two functions",
                )
