"""The calls to the core with an observer, who is told of each round trip."""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter
from typing import Any, Final, LiteralString

from pgflow_runtime.worker.dispatch.core_calls import CoreCalls
from pgflow_runtime.worker.dispatch.core_connection import CoreConnection
from pgflow_runtime.worker.dispatch.observer import Observer
from pgflow_runtime.worker.dispatch.served import ServedFlows
from pgflow_runtime.worker.protocol.statements import ANNOUNCE, CLAIM, CLAIM_MEASURED, COMPLETE, FAIL

_CALLS: Final = {
    CLAIM: "claim",
    CLAIM_MEASURED: "claim",
    COMPLETE: "complete",
    FAIL: "fail",
    ANNOUNCE: "announce",
}


class ObservedCoreCalls(CoreCalls):
    """Tells an observer of each round trip."""

    def __init__(self, flows: ServedFlows, name: str, visibility_timeout: int, observer: Observer) -> None:
        super().__init__(flows, name, visibility_timeout)
        self._observer = observer

    async def _call(
        self, connection: CoreConnection, statement: LiteralString, parameters: Sequence[Any]
    ) -> list[tuple[Any, ...]]:
        began = perf_counter()
        rows = await super()._call(connection, statement, parameters)
        call = _CALLS[statement]
        self._observer.called(call, perf_counter() - began, _task_count(call, parameters, rows))
        return rows


def _task_count(call: str, parameters: Sequence[Any], rows: Sequence[tuple[Any, ...]]) -> int:
    """Tasks claimed; or results sent, whose worker ids are the first array, never empty."""
    if call == "claim":
        return len(rows)
    return str(parameters[0]).count(",") + 1 if call in ("complete", "fail") else 0
