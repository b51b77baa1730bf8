"""How much waits in the queues, for the metrics: asked while somebody reads them."""

from __future__ import annotations

import time
from typing import Any, Final

import psycopg

from pgflow_runtime.worker.dispatch.served import ServedFlows
from pgflow_runtime.worker.protocol.statements import MEASURE_QUEUES

INTEREST: Final = 120.0
"""Seconds after the last reading of the metrics during which the queues are measured."""
IDLE: Final = 5.0
"""Seconds between two looks whether somebody reads them."""
REST: Final = 15.0
"""Seconds between two measurements."""
TIRED: Final = 300.0
"""Seconds until the next one after a failure, such as a queue too long to count within the time."""


class QueueDepth:
    """The last measurement by flow: numbers in the order of ``MEASURE_QUEUES``."""

    name = "measuring the queues"
    statement_timeout = 2

    def __init__(self, flows: ServedFlows) -> None:
        self._flows = flows
        self._wanted_until = 0.0
        self.latest: dict[str, tuple[float, ...]] = {}

    def want(self) -> None:
        """Somebody reads the numbers."""
        self._wanted_until = time.monotonic() + INTEREST

    def turn(self, connection: psycopg.Connection[Any]) -> float:
        """Measure, if anybody wants to know."""
        if time.monotonic() > self._wanted_until:
            self.latest = {}
            return IDLE
        rows = connection.execute(MEASURE_QUEUES, ([flow.slug for flow in self._flows.all],)).fetchall()
        self.latest = {slug: tuple(float(number or 0) for number in numbers) for slug, *numbers in rows}
        return REST

    def failed(self) -> float:
        self.latest = {}
        return TIRED
