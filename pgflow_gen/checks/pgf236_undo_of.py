"""PGF236: an undo of something that cannot be undone. How it is written is judged where it is read."""

from __future__ import annotations

from pgflow_gen.checks.checked_flow import CheckedFlow
from pgflow_gen.checks.rule import Rule
from pgflow_gen.ir.flow import CompanionHandler, StepName
from pgflow_shared.kinds import KINDS

RULE = Rule(
    code="PGF236",
    title="undo of something that cannot be undone",
    text="""\
`@flow.undo(step)` says how one step of the same flow is undone when its run has failed or was cancelled. It
names the step itself, not its slug, so that type checkers see what is undone. The step has a handler: a
signal or sleep has done nothing. A step is undone by one handler, which may do several things.""",
    bad="""\
from pgflow_runtime import Flow

order = Flow[int]("order")


@order.step
def charge(flow_input: int) -> str:
    return f"charge {flow_input}"


@order.undo(charge)
def refund(charge: str) -> None:
    print("refunded", charge)


@order.undo(charge)
def write_off(charge: str) -> None:
    print("written off", charge)
""",
    good="""\
from pgflow_runtime import Flow

order = Flow[int]("order")


@order.step
def charge(flow_input: int) -> str:
    return f"charge {flow_input}"


@order.undo(charge)
def refund(charge: str) -> None:
    print("refunded and written off", charge)
""",
)


def check(checked: CheckedFlow) -> None:
    first: dict[str, CompanionHandler] = {}
    for handler in checked.flow.undos:
        name = handler.undone
        if name is None or not _is_undoable(checked, handler, name):
            continue
        other = first.setdefault(name.slug, handler)
        if other is not handler:
            checked.findings.add(
                "PGF236",
                name.span,
                f"step {name.slug!r} is undone twice, by {other.slug!r} and {handler.slug!r}",
                notes=[f"undo {other.slug!r} is defined at {other.step.span.path}:{other.step.span.line}"],
                help="let one handler do both",
            )


def _is_undoable(checked: CheckedFlow, handler: CompanionHandler, name: StepName) -> bool:
    flow = checked.flow
    if name.flow is not None and name.flow != flow.key:
        checked.findings.add(
            "PGF236",
            name.span,
            f"undo {handler.slug!r} of flow {flow.slug!r} is of {name.slug!r}, a step of another flow",
            notes=[f"{name.slug!r} belongs to the flow {name.flow.name!r} in {name.flow.module}"],
            help=f"write @{name.flow.name}.undo({name.slug})",
        )
        return False
    step = checked.steps.get(name.slug)
    if step is None or KINDS[step.kind].has_handler:
        return step is not None
    checked.findings.add(
        "PGF236",
        name.span,
        f"step {name.slug!r} is a {step.kind}: it has done nothing that could be undone",
        notes=[checked.note(step)],
        help="undo the step that acts on it; an @flow.end is told of any end of the run",
    )
    return False
