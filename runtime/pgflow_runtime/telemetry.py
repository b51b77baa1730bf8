"""Traces by OpenTelemetry, in programs that use it: from the start of a run to each attempt at each task.

Nothing is imported here that the program has not imported itself: who sets an SDK up, in code or through
``opentelemetry-instrument``, has loaded the API. Without the extra ``[otel]``, or a set-up, nothing is
done. The carrier of a run's trace (W3C's ``traceparent`` by default) is the column ``runs.trace_context``.
Attributes follow OpenTelemetry's conventions for messaging where those have a name.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

if TYPE_CHECKING:
    from opentelemetry.trace import Span

SYSTEM: Final = "pgflow"


def tracing() -> Tracing | None:
    """None where the program does not use OpenTelemetry."""
    return Tracing() if "opentelemetry.trace" in sys.modules else None


def started_runs(flow_slug: str, run_ids: Sequence[UUID]) -> AbstractContextManager[str | None]:
    """Around the start of runs; gives the trace context to store with them, None where nobody traces."""
    found = tracing()
    return nullcontext() if found is None else found.start(flow_slug, run_ids)


def carrier_of(text: str | None) -> Mapping[str, str]:
    """A stored trace context: its texts by name. Anyone may store one: what is none counts as empty."""
    if text is None:
        return {}
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    if not isinstance(found, dict):
        return {}
    return {key: value for key, value in found.items() if isinstance(value, str)}


class Tracing:
    """Makes spans with the tracer that the program has set up."""

    def __init__(self) -> None:
        from opentelemetry import propagate, trace

        self._trace = trace
        self._propagate = propagate
        self._tracer = trace.get_tracer(SYSTEM)

    @contextmanager
    def start(self, flow_slug: str, run_ids: Sequence[UUID]) -> Iterator[str | None]:
        """A span around the start of runs; yields the carrier their tasks' spans join, as JSON."""
        attributes: dict[str, Any] = {
            "messaging.system": SYSTEM,
            "messaging.destination.name": flow_slug,
            "messaging.operation.name": "start",
            "messaging.operation.type": "send",
        }
        if len(run_ids) == 1:
            attributes["pgflow.run_id"] = str(run_ids[0])
        else:
            attributes["messaging.batch.message_count"] = len(run_ids)
        with self._tracer.start_as_current_span(
            f"start {flow_slug}", kind=self._trace.SpanKind.PRODUCER, attributes=attributes
        ):
            carrier: dict[str, str] = {}
            self._propagate.inject(carrier)
            yield json.dumps(carrier) if carrier else None

    @contextmanager
    def attempt(
        self, carrier: Mapping[str, str], name: str, attributes: Mapping[str, str | int]
    ) -> Iterator[Attempt]:
        """A span around an attempt at a task, a child of the span that started the run."""
        given = {
            "messaging.system": SYSTEM,
            "messaging.operation.name": "process",
            "messaging.operation.type": "process",
            **attributes,
        }
        with self._tracer.start_as_current_span(
            f"process {name}",
            context=self._propagate.extract(carrier),
            kind=self._trace.SpanKind.CONSUMER,
            attributes=given,
        ) as span:
            yield Attempt(span)


class Attempt:
    """The span of an attempt at a task."""

    def __init__(self, span: Span) -> None:
        self._span = span

    def failed(self, message: str) -> None:
        """Note a failure; ``message`` is ``Type: text`` and perhaps frames, as it is stored with the task."""
        from opentelemetry.trace import Status, StatusCode

        headline, _, _ = message.partition("\n")
        kind, _, text = headline.partition(": ")
        self._span.set_status(Status(StatusCode.ERROR, headline))
        self._span.set_attribute("error.type", kind)
        self._span.add_event(
            "exception",
            {"exception.type": kind, "exception.message": text, "exception.stacktrace": message},
        )
