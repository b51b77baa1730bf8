"""PGF235: options that only go, or do not go, with subflow=."""

from __future__ import annotations

from pgflow_gen.checks.checked_flow import CheckedFlow
from pgflow_gen.checks.rule import Rule
from pgflow_gen.ir.flow import Option, StepSpec

RULE = Rule(
    code="PGF235",
    title="option that does not go with subflow=, or not without",
    text="""\
`deadline` and `max_depth` are about the run that a step with `subflow=` waits for: how long, and how deep
flows may start each other. A step that does its work itself has `timeout`. A step with `subflow=` in turn
cannot be `transactional`: it completes when the other run has ended, long after its handler's
transaction.""",
    bad="""\
from pgflow_runtime import Flow

order = Flow[int]("order")


@order.step(deadline=60)
def charge(flow_input: int) -> int:
    return flow_input
""",
    good="""\
from pgflow_runtime import Flow

order = Flow[int]("order")


@order.step(timeout=60)
def charge(flow_input: int) -> int:
    return flow_input
""",
)


def check(checked: CheckedFlow) -> None:
    for step in checked.flow.steps:
        if step.kind not in ("step", "map") or step.hides("subflow"):
            continue
        for option in step.options:
            if step.subflow is None and option.name in ("deadline", "max_depth"):
                _report_alone(checked, step, option)
            elif step.subflow is not None and option.name == "transactional" and option.value is True:
                checked.findings.add(
                    "PGF235",
                    option.span,
                    f"step {step.slug!r} starts flow {step.subflow.slug!r} and cannot be transactional",
                    help="remove transactional; write what belongs together in a step of its own",
                )


def _report_alone(checked: CheckedFlow, step: StepSpec, option: Option) -> None:
    otherwise = "timeout= bounds one attempt of a handler" if option.name == "deadline" else "remove it"
    checked.findings.add(
        "PGF235",
        option.span,
        f"step {step.slug!r} has {option.name}, but starts no flow",
        help=f"{otherwise}; {option.name} goes with subflow=",
    )
