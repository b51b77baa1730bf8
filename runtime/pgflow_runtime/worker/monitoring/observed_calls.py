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

_CLAIMS: Final = (CLAIM, CLAIM_MEASURED)
_NAMES: Final = {
    CLAIM: "claim",
    CLAIM_MEASURED: "claim",
    COMPLETE: "complete",
    FAIL: "fail",
    ANNOUNCE: "announce",
}


class ObservedCoreCalls(CoreCalls):
    """Tells an observer of each round trip."""

    def __init__(self, flows: ServedFlows, visibility_timeout: int, observer: Observer) -> None:
        super().__init__(flows, visibility_timeout)
        self._observer = observer

    async def _call(
        self,
        connection: CoreConnection,
        statement: LiteralString,
        parameters: Sequence[Any],
        sent: int = 0,
    ) -> list[tuple[Any, ...]]:
        began = perf_counter()
        rows = await super()._call(connection, statement, parameters)
        task_count = len(rows) if statement in _CLAIMS else sent
        self._observer.called(_NAMES[statement], perf_counter() - began, task_count)
        return rows
