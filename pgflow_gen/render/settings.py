"""A flow's settings as JSON, in the words of ``pgflow.get_flow_definition``; only what was set."""

from __future__ import annotations

from pgflow_gen.ir.flow import FlowSpec, Json, Option
from pgflow_shared.options import BY_NAME


def settings(flow: FlowSpec) -> dict[str, Json]:
    """``{"max_attempts": 3, ..., "steps": {"fetch": {"timeout": 30}}}``; times in seconds."""
    steps: dict[str, Json] = {step.slug: _set_options(step.options) for step in flow.steps}
    return {**_set_options(flow.options), "steps": steps}


def _set_options(options: tuple[Option, ...]) -> dict[str, Json]:
    return {
        BY_NAME[option.name].word: option.value
        for option in sorted(options, key=lambda option: option.name)
        if BY_NAME[option.name].sql is not None and option.value is not None
    }
