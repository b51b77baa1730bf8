"""The generated client of a flow that waits for an approval, as the compiler would write it, by hand.

``charge``, then the signal ``approval`` (found by the input's ``order_id``), then ``ship``.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Unpack
from uuid import UUID

from psycopg import AsyncConnection, Connection

from pgflow_runtime.client import AsyncClientBase, AsyncRun, ClientBase, Run, ScheduleOptions
from pgflow_runtime.runs.signals import SignalOutcome, WaitingSignal
from pgflow_shared.structure import structure_hash
from tests.support.core import Core
from tests.support.crawl import contract_of
from tests.support.steps_that_wait import add_signal

STRUCTURE = {
    "steps": [
        {"slug": "approval", "type": "single", "dependencies": ["charge"], "kind": "signal"},
        {"slug": "charge", "type": "single", "dependencies": []},
        {"slug": "ship", "type": "single", "dependencies": ["approval"]},
    ]
}
APPROVAL = {
    "type": "object",
    "properties": {"by": {"type": "string"}, "amount": {"type": "integer"}},
    "required": ["by"],
}


def _step(slug: str, **more: Any) -> dict[str, Any]:
    return {
        "module": "flows.order",
        "function": slug,
        "kind": "step",
        "async": False,
        "transactional": False,
        "params": [],
        "input": True,
        "output": True,
        **more,
    }


DOCUMENT: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "order",
    "type": "object",
    "properties": {
        "input": {
            "type": "object",
            "properties": {"order_id": {"type": "string"}},
            "required": ["order_id"],
        },
        "output": {},
    },
    "$defs": {"Approval": APPROVAL},
    "x-pgflow": {
        "slug": "order",
        "version": 1,
        "flow": "flows.order:order",
        "modules": ["flows.order"],
        "structure_hash": structure_hash(STRUCTURE),
        "structure": STRUCTURE,
        "settings": {"steps": {}},
        "steps": {
            "approval": _step(
                "",
                module="",
                function="",
                kind="signal",
                output={"$ref": "#/$defs/Approval"},
                key=["order_id"],
            ),
            "charge": _step("charge"),
            "ship": _step("ship"),
        },
    },
}
CONTRACT = contract_of(DOCUMENT)


def add_order(core: Core, **options: Any) -> None:
    """The flow in the database; ``options`` of the signal."""
    core.create_flow("order")
    core.add_step("order", "charge")
    add_signal(core, "order", "approval", ["charge"], key=["order_id"], **options)
    core.add_step("order", "ship", ["approval"])


class AsyncOrderRun(AsyncRun[Any]):
    contract = CONTRACT

    async def send_approval(
        self, payload: Any, /, *, dedupe: str | None = None, conn: AsyncConnection[Any] | None = None
    ) -> SignalOutcome:
        return await self._send("approval", payload, dedupe, conn)

    def signal_token(self, step_slug: str, /, *, expires_in: float = 60) -> str:
        return self._signal_token(step_slug, expires_in)


class OrderRun(Run[Any]):
    contract = CONTRACT

    def send_approval(
        self, payload: Any, /, *, dedupe: str | None = None, conn: Connection[Any] | None = None
    ) -> SignalOutcome:
        return self._send("approval", payload, dedupe, conn)


class AsyncClient(AsyncClientBase):
    signal_runs = (AsyncOrderRun,)

    async def start_order(
        self,
        input: Any,
        /,
        *,
        run_id: UUID | None = None,
        start_at: datetime | None = None,
        conn: AsyncConnection[Any] | None = None,
    ) -> AsyncOrderRun:
        return await self._start(AsyncOrderRun, input, run_id, start_at, conn)

    async def start_many_order(
        self, inputs: Sequence[Any], /, *, start_at: datetime | None = None
    ) -> list[AsyncOrderRun]:
        return await self._start_many(AsyncOrderRun, inputs, None, start_at)

    async def send_order_approval(
        self,
        key: str | int | UUID,
        payload: Any,
        /,
        *,
        dedupe: str | None = None,
        conn: AsyncConnection[Any] | None = None,
    ) -> dict[UUID, SignalOutcome]:
        return await self._send_by_key(AsyncOrderRun, "approval", key, payload, dedupe, conn)

    async def waiting_for_order_approval(self, max_count: int = 1000) -> list[WaitingSignal]:
        return await self._waiting_for(AsyncOrderRun, "approval", max_count)

    async def create_order_schedule(
        self, slug: str, /, input: Any, **options: Unpack[ScheduleOptions]
    ) -> None:
        await self._create_schedule(AsyncOrderRun, slug, input, options)


class Client(ClientBase):
    signal_runs = (OrderRun,)

    def start_order(
        self,
        input: Any,
        /,
        *,
        run_id: UUID | None = None,
        start_at: datetime | None = None,
        conn: Connection[Any] | None = None,
    ) -> OrderRun:
        return self._start(OrderRun, input, run_id, start_at, conn)
