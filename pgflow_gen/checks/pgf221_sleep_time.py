"""PGF221: a sleep that does not say until when, or says it twice."""

from __future__ import annotations

from pgflow_gen.checks.checked_flow import CheckedFlow
from pgflow_gen.checks.rule import Rule
from pgflow_gen.ir.flow import StepSpec

RULE = Rule(
    code="PGF221",
    title="sleep without exactly one of seconds and until",
    text="""\
A sleep ends so many `seconds` after it is ready, or at the time that its path `until` leads to: exactly one
of them is written. What happens if there is no time at that path, `when_exhausted` says; a sleep of so many
seconds cannot go wrong, and does not take it.""",
    bad="""\
from pgflow_runtime import Flow, Sleep

order = Flow[dict[str, str]]("order")

pause = Sleep(order, "pause", seconds=60, until="flow_input.due")
""",
    good="""\
from pgflow_runtime import Flow, Sleep

order = Flow[dict[str, str]]("order")

pause = Sleep(order, "pause", until="flow_input.due")
""",
)


def check(checked: CheckedFlow) -> None:
    for step in checked.flow.steps:
        if step.kind == "sleep" and not step.hides("seconds", "until"):
            _check(checked, step)


def _check(checked: CheckedFlow, step: StepSpec) -> None:
    options = {option.name: option for option in step.options}
    if "seconds" in options and "until" in options:
        checked.findings.add(
            "PGF221",
            options["until"].span,
            f"sleep {step.slug!r} has both seconds and until",
            help="write one of them",
        )
    elif "seconds" not in options and "until" not in options:
        checked.findings.add(
            "PGF221",
            step.span,
            f"sleep {step.slug!r} does not say when it ends",
            help='write seconds=..., or until="flow_input..." with the path of a time',
        )
    elif "seconds" in options and "when_exhausted" in options:
        checked.findings.add(
            "PGF221",
            options["when_exhausted"].span,
            f"sleep {step.slug!r} has when_exhausted, but a sleep of so many seconds cannot go wrong",
            help="remove when_exhausted",
        )
