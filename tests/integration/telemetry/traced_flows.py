"""A flow whose handlers tell of the trace they run in; it does not import OpenTelemetry itself."""

import sys
from typing import Any

from pgflow_runtime import Context, Flow, JsonValue

traced = Flow[list[int]]("traced", base_delay=1, backoff="fixed")


def current_span() -> str:
    """The id of the span the caller runs in, where anybody traces."""
    trace: Any = sys.modules.get("opentelemetry.trace")
    return "" if trace is None else format(trace.get_current_span().get_span_context().span_id, "016x")


@traced.array
def numbers(flow_input: list[int]) -> list[int]:
    return flow_input


@traced.map(array=numbers)
async def double(n: int, /) -> dict[str, JsonValue]:
    return {"doubled": 2 * n, "span": current_span()}


@traced.step(max_attempts=2)
def settle(double: list[dict[str, JsonValue]], ctx: Context) -> dict[str, JsonValue]:
    if ctx.step_task.attempt == 1:
        raise ValueError("not at once")
    return {"carrier": dict(ctx.trace_context), "span": current_span()}
