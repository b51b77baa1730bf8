"""What is done every so often beside the tasks, each duty with a period of its own, one after another.

They share a thread and a connection with each other and with nobody else: one that takes long keeps the
others waiting, never a heartbeat or a task.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Sequence
from typing import Any, Protocol

import psycopg

from pgflow_runtime.database import MAINTENANCE
from pgflow_runtime.worker.logs import logger
from pgflow_runtime.worker.maintenance.own_connection import OwnConnection


class Duty(Protocol):
    """Something to do now and then."""

    @property
    def name(self) -> str:
        """What it does, for the log: ``"recovery"``."""
        ...

    @property
    def statement_timeout(self) -> int:
        """Seconds that one of its turns may take at most."""
        ...

    def turn(self, connection: psycopg.Connection[Any]) -> float:
        """Do it, inside a transaction that ends with the turn; the seconds until the next turn.

        Raises psycopg.Error: it could not be done.
        """
        ...

    def failed(self) -> float:
        """The turn came to nothing; the seconds until the next one."""
        ...


class Duties:
    """Does its duties until stopped; a lost connection is opened again at the next turn."""

    def __init__(self, conninfo: str, duties: Sequence[Duty], *, prepare: bool) -> None:
        self._conninfo = conninfo
        self._duties = tuple(duties)
        self._due = dict.fromkeys(self._duties, 0.0)
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._wake = threading.Event()
        self._connection = OwnConnection(conninfo, MAINTENANCE, prepare=prepare)
        self._thread = threading.Thread(target=self._run, name="pgflow-maintenance", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Ask for the end; returns at once."""
        self._stop.set()
        self._wake.set()

    def hurry(self, duty: Duty, seconds: float) -> None:
        """Let the duty's next turn be in so many seconds, if it would be later. From any thread."""
        self._postpone(duty, seconds)
        self._wake.set()

    def _run(self) -> None:
        while not self._stop.is_set():
            for duty in self._duties:
                if self._due[duty] <= time.monotonic() and not self._stop.is_set():
                    self._due[duty] = math.inf
                    self._postpone(duty, self._take_turn(duty))
            self._wake.wait(max(0.0, min(self._due.values()) - time.monotonic()))
            self._wake.clear()
        self._connection.close()

    def _postpone(self, duty: Duty, seconds: float) -> None:
        """Until so many seconds from now, unless somebody hurries it."""
        with self._lock:
            self._due[duty] = min(self._due[duty], time.monotonic() + seconds)

    def _take_turn(self, duty: Duty) -> float:
        try:
            connection = self._connection.get()
            with connection.transaction():
                connection.execute(_LIMIT, (f"{duty.statement_timeout}s",))
                return duty.turn(connection)
        except Exception as error:  # one duty's trouble is not the others'
            logger.warning("%s failed: %s", duty.name, self._connection.failed(error))
            return duty.failed()


_LIMIT = "select set_config('statement_timeout', %s, true)"
