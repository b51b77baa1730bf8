"""Signs of life, in a thread of its own: an async handler that blocks the event loop must not look dead.

Each beat also reads back which flows were deprecated, and gives the tasks of dead workers back to the queue;
where a retention was asked for, it forgets old runs.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, Protocol

import psycopg

from pgflow_runtime.store import application_name, from_psycopg
from pgflow_runtime.worker.failure import headline
from pgflow_runtime.worker.logs import logger
from pgflow_runtime.worker.queue_depth import QueueDepth
from pgflow_runtime.worker.retention import Retention
from pgflow_runtime.worker.served import ServedFlows
from pgflow_runtime.worker.statements import HEARTBEAT, RECOVER, REGISTER

SECONDS = 5.0
"""Between two beats."""


class Listener(Protocol):
    """Who is told, from the heartbeat's thread."""

    def deprecated(self, worker_ids: list[str]) -> None: ...
    def recovered(self, count: int) -> None: ...


class Heartbeat:
    """Beats until stopped; a lost connection is opened again at the next beat."""

    def __init__(
        self,
        conninfo: str,
        flows: ServedFlows,
        name: str,
        listener: Listener,
        *,
        prepare: bool,
        retention: Retention | None = None,
        depth: QueueDepth | None = None,
    ) -> None:
        self._conninfo = conninfo
        self._flows = flows
        self._name = name
        self._listener = listener
        self._prepare = prepare
        self._retention = retention
        self._depth = depth
        self._succeeded_at: float | None = None
        self.trouble: str | None = None
        """Why the last beat failed, if it did."""
        self._stop = threading.Event()
        self._connection: psycopg.Connection[Any] | None = None
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

    def join(self, seconds: float) -> None:
        self._thread.join(seconds)

    def _run(self) -> None:
        while True:
            self._guarded(self._beat)
            if self._stop.wait(SECONDS):
                break
        if self._connection is not None:
            self._connection.close()

    def _guarded(self, beat: Callable[[], None]) -> None:
        try:
            beat()
        except psycopg.Error as error:
            self.trouble = str(from_psycopg(error, self._conninfo))
            logger.warning("heartbeat failed: %s", self.trouble)
            if self._connection is not None and self._connection.closed:
                self._connection = None
        except Exception as error:  # such as an answer that cannot be read: the next beat tries again
            self.trouble = headline(error)
            logger.error("heartbeat failed: %s", self.trouble, exc_info=error)
            self._connection = None
        else:
            self._succeeded_at = time.monotonic()
            self.trouble = None

    def _beat(self) -> None:
        if self._connection is None:
            self._connection = psycopg.connect(
                self._conninfo,
                autocommit=True,
                application_name=application_name(self._conninfo),
                prepare_threshold=5 if self._prepare else None,
            )
        rows = self._connection.execute(HEARTBEAT, (self._flows.worker_ids,)).fetchall()
        deprecated = [worker_id for worker_id, is_deprecated in rows if is_deprecated]
        if deprecated:
            self._listener.deprecated(deprecated)
        self._register_again({worker_id for worker_id, _ in rows})
        recovered = self._connection.execute(RECOVER).fetchone()
        if recovered is not None and recovered[0]:
            self._listener.recovered(int(recovered[0]))
        if self._retention is not None:
            self._retention.turn(self._connection)
        if self._depth is not None:
            self._depth.turn(self._connection)

    def _register_again(self, known: set[str]) -> None:
        """A worker's row that somebody deleted is made anew; without it, its results would be refused."""
        assert self._connection is not None
        for flow in self._flows.all:
            if flow.worker_id not in known:
                logger.warning("worker %s of flow %s was not registered any more", flow.worker_id, flow.slug)
                self._connection.execute(REGISTER, (flow.worker_id, flow.slug, self._name))
