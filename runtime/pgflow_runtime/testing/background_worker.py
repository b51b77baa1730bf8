"""A worker beside a test, in a thread: handlers run in the test's own process, where they can be replaced."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from pgflow_runtime.errors import PgflowError
from pgflow_runtime.project import Project
from pgflow_runtime.registry import contracts
from pgflow_runtime.worker import Worker
from pgflow_runtime.worker.states import State

PATIENCE = 60
"""Seconds a worker may take to start, and to end."""
GRACE = 5.0
"""Seconds that handlers are given when their test has ended."""


@contextmanager
def background_worker(project: Project, dsn: str) -> Iterator[Worker]:
    """A running worker of all flows of a project. Raises PgflowError when it does not start."""
    flows = [contract.flow for contract in contracts(project) if contract.companion_of is None]
    thread = _Thread(Worker(flows, dsn=dsn, project=project, grace_seconds=GRACE, processes=1))
    thread.begin()
    try:
        yield thread.worker
    finally:
        thread.end()


class _Thread:
    def __init__(self, worker: Worker) -> None:
        self.worker = worker
        self._changed = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._serve, name="pgflow-test-worker", daemon=True)

    def begin(self) -> None:
        """Return when it runs."""
        self._thread.start()
        if not self._changed.wait(PATIENCE):
            raise PgflowError(f"the worker is still {self.worker.state} after {PATIENCE} s")
        self._raise_failure()

    def end(self) -> None:
        """Let it finish what it is at."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self.worker.stop)
        self._thread.join(PATIENCE)
        self._raise_failure()

    def _raise_failure(self) -> None:
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure

    def _serve(self) -> None:
        try:
            self._loop.run_until_complete(self._until_stopped())
        except BaseException as failure:
            self._failure = failure
        finally:
            self._changed.set()
            self._loop.close()

    async def _until_stopped(self) -> None:
        serving = asyncio.ensure_future(self.worker.serve())
        while not serving.done() and self.worker.state is not State.RUNNING:
            await asyncio.wait({serving}, timeout=0.01)
        self._changed.set()
        await serving
