"""Two sessions at once, step by step: one holds its locks while the other waits for them."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import TypeVar

from psycopg import pq

from tests.support.core import Core, connect
from tests.support.wait import eventually

T = TypeVar("T")


class Session:
    """A connection with a thread of its own; each call's transaction stays open until `commit`."""

    def __init__(self, dsn: str) -> None:
        self.core = Core(connect(dsn, autocommit=False))
        self.pid = self.core.connection.info.backend_pid
        self._watch = connect(dsn)
        self._thread = ThreadPoolExecutor(max_workers=1)

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.core.connection.info.transaction_status == pq.TransactionStatus.ACTIVE:
            self.core.connection.cancel_safe()
        self._thread.shutdown(wait=True)
        self.core.connection.close()
        self._watch.close()

    def begin(self, call: Callable[[Core], T]) -> Future[T]:
        """Run a call without waiting for its end."""
        return self._thread.submit(call, self.core)

    def do(self, call: Callable[[Core], T]) -> T:
        return self.begin(call).result(timeout=30)

    def commit(self) -> None:
        self._thread.submit(self.core.connection.commit).result(timeout=30)

    def rollback(self) -> None:
        self._thread.submit(self.core.connection.rollback).result(timeout=30)

    def waits(self) -> bool:
        """Whether another session's lock is being waited for."""
        row = self._watch.execute("select cardinality(pg_blocking_pids(%s)) > 0", (self.pid,)).fetchone()
        return bool(row and row[0])

    def blocked_or_done(self, call: Callable[[Core], T]) -> Future[T]:
        """Begin a call and return as soon as it waits for another session, or has ended."""
        future = self.begin(call)
        eventually(lambda: future.done() or self.waits())
        return future
