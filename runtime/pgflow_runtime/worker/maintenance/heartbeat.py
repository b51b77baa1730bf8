"""Signs of life, in a thread of its own: an async handler that blocks the event loop must not look dead.

A beat is one statement, and nothing else happens in this thread or on its connection: whatever could take
its time is a duty (``duties.py``). The answer says which flows were deprecated, and whether the worker is
known at all; one that was taken for dead, or whose row is gone, registers again. It also says which of the
tasks that are being worked on count no more; a notification on the control channel brings the beat forward.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import Protocol

from pgflow_runtime.database import HEARTBEAT as HEARTBEAT_CONNECTION
from pgflow_runtime.database import arrays
from pgflow_runtime.worker.dispatch.served import ServedFlow, ServedFlows
from pgflow_runtime.worker.logs import logger
from pgflow_runtime.worker.maintenance.own_connection import OwnConnection
from pgflow_runtime.worker.protocol.rows import Fence
from pgflow_runtime.worker.protocol.statements import HEARTBEAT, REGISTER

SECONDS = 5.0
"""Between two beats."""
SHORTEST = 0.1
"""Seconds between two beats at least, however many notifications come."""


class HeartbeatListener(Protocol):
    """Who is told, from the heartbeat's thread."""

    def open_fences(self) -> Sequence[Fence]:
        """The attempts that handlers are at."""
        ...

    def deprecated(self, worker_ids: list[str]) -> None: ...

    def cancelled(self, lost: list[tuple[Fence, str]]) -> None:
        """Attempts that count no more, each with the core's reason; called after each beat."""


class Heartbeat:
    """Beats until stopped; a lost connection is opened again at the next beat."""

    def __init__(
        self, conninfo: str, flows: ServedFlows, listener: HeartbeatListener, *, prepare: bool
    ) -> None:
        self._conninfo = conninfo
        self._flows = flows
        self._listener = listener
        self._succeeded_at: float | None = None
        self.trouble: str | None = None
        """Why the last beat failed, if it did."""
        self._stop = threading.Event()
        self._wakeup = threading.Event()
        self._connection = OwnConnection(conninfo, HEARTBEAT_CONNECTION, prepare=prepare)
        self._thread = threading.Thread(target=self._run, name="pgflow-heartbeat", daemon=True)

    @property
    def silence(self) -> float | None:
        """Seconds since a beat got through; None: none has yet."""
        return None if self._succeeded_at is None else time.monotonic() - self._succeeded_at

    def start(self) -> None:
        self._succeeded_at = time.monotonic()  # the worker has just registered
        self._thread.start()

    def stop(self) -> None:
        """Ask for the end; returns at once."""
        self._stop.set()
        self._wakeup.set()

    def beat_soon(self) -> None:
        """Do not wait for the next beat's time. Any thread may call, as often as it likes."""
        self._wakeup.set()

    def join(self, seconds: float) -> None:
        self._thread.join(seconds)

    def _run(self) -> None:
        while True:
            try:
                self._beat()
            except Exception as error:  # whatever it is, the next beat tries again
                self.trouble = self._connection.failed(error)
                logger.warning("heartbeat failed: %s", self.trouble)
            else:
                self._succeeded_at = time.monotonic()
                self.trouble = None
            if self._stop.wait(SHORTEST):
                break
            self._wakeup.wait(SECONDS - SHORTEST)
            self._wakeup.clear()
            if self._stop.is_set():
                break
        self._connection.close()

    def _beat(self) -> None:
        fences = list(self._listener.open_fences())
        values = (self._flows.worker_ids, *(arrays.fences(fences)[1:] if fences else ("{}",) * 4))
        rows = self._connection.get().execute(HEARTBEAT, values).fetchall()
        if rows:
            _, _, lost, reasons = rows[0]
            found = zip(lost, reasons, strict=True)
            self._listener.cancelled([(fences[place - 1], reason) for place, reason in found])
        deprecated = [worker_id for worker_id, is_deprecated, *_ in rows if is_deprecated]
        if deprecated:
            self._listener.deprecated(deprecated)
        known = {worker_id for worker_id, *_ in rows}
        for flow in self._flows.all:
            if flow.worker_id not in known:
                logger.warning(
                    "worker %s of flow %s was taken for dead, or its row was deleted; it registers again",
                    flow.worker_id, flow.slug,
                )  # fmt: skip
                self._register(flow)

    def _register(self, flow: ServedFlow) -> None:
        connection = self._connection.get()
        with connection.transaction():
            connection.execute("set local lock_timeout = '3s'")  # if somebody holds the row: the next beat
            connection.execute(REGISTER, self._flows.registration(flow))
