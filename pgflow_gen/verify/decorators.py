"""The words for what mypy has against the lines between a step's decorator and its ``def``."""

from __future__ import annotations

import re

from pgflow_gen.ir.flow import FlowSpec, StepSpec
from pgflow_gen.verify.mypy_run import Reported

SIGNATURE = "a decorator between the flow's and the handler must keep the handler's signature"
USED_EARLY = "used-before-def"
FOLLOWS_EARLY = frozenset({"has-type", "untyped-decorator"})
"""What mypy says besides of a name that is used above its definition."""

_OPTION = re.compile(r'Argument "(?P<option>\w+)" to "\w+" of "Flow"')
_GENERATOR = re.compile(r"The return type of an? (?:async )?generator function ")


def decorator_words(flow: FlowSpec, step: StepSpec, reported: Reported) -> tuple[str, str]:
    """The message, and what to do."""
    if reported.code == USED_EARLY:
        return (
            f"step {step.slug!r} uses a name above its definition: no worker could import the module",
            f"move the definition, of flow {flow.slug!r} too, above the step",
        )
    if _GENERATOR.match(reported.message):
        return (
            f"step {step.slug!r} yields, so that a call of its handler gives no result",
            "collect the values in a list and return it",
        )
    option = _OPTION.match(reported.message)
    if option is not None:
        return (
            f"mypy does not accept {option['option']} of step {step.slug!r}",
            "write the value in the decorator itself, or annotate the constant that holds it",
        )
    return f"mypy does not accept the decorators of step {step.slug!r}", SIGNATURE
