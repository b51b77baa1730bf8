"""``executor="process"``: a few processes of the worker's own, each for one task at a time.

The only honest end of code that computes is the end of its process: what is timed out or cancelled is killed,
with all that it has started. Processes are programs of their own, never forks, so that they hold nothing of
the worker's; one is started at the worker's start, which proves that handlers are found there, the others
when they are first needed. (Libraries for pools were tried: ``pebble`` gives its pool up in four of five
cases when an idle process is killed, and lets busy ones live on without their parent.)
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Coroutine, Mapping

from pgflow_runtime.errors import UsageError
from pgflow_runtime.worker.executors import records
from pgflow_runtime.worker.executors.base import LostElsewhere
from pgflow_runtime.worker.executors.messages import Order
from pgflow_runtime.worker.executors.one_process import CannotBegin, NotBegun, OneProcess
from pgflow_runtime.worker.executors.packed import PackedResult, PackedTask
from pgflow_runtime.worker.executors.table import Setting
from pgflow_runtime.worker.logs import logger

ORDERED = ("PYTHONPATH",)
_HELP = "what it said, if anything, stands above; it imports the handlers' modules anew, by their names"
MOST_TRIALS = 3
"""Processes in a row that may end before they begin a task."""


class ProcessPool:
    """At most ``executor_processes`` processes; each is replaced after ``executor_tasks`` tasks."""

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        self._most = setting.config.executor_processes or _cores()
        self._most_tasks = setting.config.executor_tasks
        self._steps = tuple(
            (contract.flow, str(contract.path), contract.structure_hash, step.slug)
            for contract in setting.contracts
            for step in contract.steps.values()
            if step.executor == "process"
        )
        self._idle: asyncio.LifoQueue[OneProcess | CannotBegin] = asyncio.LifoQueue()
        self._places = asyncio.Semaphore(self._most)
        self._processes: set[OneProcess] = set()
        self._starting: set[asyncio.Task[None]] = set()
        self._background: set[asyncio.Task[None]] = set()
        self._telling: asyncio.Task[None] | None = None
        self._waiting = 0
        """Tasks that wait for a process to be idle."""

    async def open(self) -> None:
        """Raises UsageError: a process cannot begin, or does not find the handlers; says why."""
        process = OneProcess(self._order())
        self._processes.add(process)
        try:
            await process.start()
        except CannotBegin as error:
            raise UsageError(f"executor 'process' cannot begin: {error}", help=_HELP) from None
        self._idle.put_nowait(process)
        self._telling = asyncio.ensure_future(self._tell_shutdown())

    async def run(
        self, task: PackedTask, resources: Mapping[str, float], begin: Callable[[], None]
    ) -> PackedResult:
        """Raises LostElsewhere: its process ended under it, or cannot begin."""
        async with self._places:
            for _ in range(MOST_TRIALS):
                process = await self._next()
                try:
                    return await process.run(task, begin)
                except NotBegun:
                    continue  # it was killed while it had nothing to do
                finally:
                    self._put_back(process)
            raise LostElsewhere(f"{MOST_TRIALS} processes ended before they began the task")

    async def close(self) -> None:
        if self._telling is not None:
            self._telling.cancel()
        for task in self._starting:
            task.cancel()
        await asyncio.gather(*self._starting, return_exceptions=True)
        for process in self._processes.copy():
            self._discard(process)
        await asyncio.gather(*self._background)

    async def _next(self) -> OneProcess:
        """An idle process that lives; waits for one that is started, where there is none."""
        while True:
            if self._idle.empty() and len(self._processes) < self._most:
                self._start()
            self._waiting += 1
            try:
                found = await self._idle.get()
            finally:
                self._waiting -= 1
            if isinstance(found, CannotBegin):
                raise LostElsewhere(f"no process can begin: {found}")
            if found.is_alive:
                return found
            self._discard(found)

    def _start(self) -> None:
        """In the background: whoever waits for it may give up, but others will come."""
        process = OneProcess(self._order())
        self._processes.add(process)
        task = asyncio.ensure_future(self._begin(process))
        self._starting.add(task)
        task.add_done_callback(self._starting.discard)

    async def _begin(self, process: OneProcess) -> None:
        try:
            await process.start()
        except CannotBegin as error:
            self._discard(process)
            logger.error("executor 'process': no process can begin: %s", error)
            if self._waiting:
                self._idle.put_nowait(error)
        else:
            if self._setting.shutdown.is_set():
                process.tell_shutdown()
            self._idle.put_nowait(process)

    def _put_back(self, process: OneProcess) -> None:
        if process.is_alive and not process.is_busy and process.tasks < self._most_tasks:
            self._idle.put_nowait(process)
        else:
            self._discard(process)

    def _discard(self, process: OneProcess) -> None:
        self._processes.discard(process)
        self._keep(process.end())

    def _keep(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.ensure_future(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    async def _tell_shutdown(self) -> None:
        await self._setting.shutdown.wait_async()
        for process in self._processes:
            process.tell_shutdown()

    def _order(self) -> Order:
        return Order(
            worker_pid=os.getpid(),
            path=list(sys.path),
            environment={name: os.environ[name] for name in ORDERED if name in os.environ},
            levels=records.levels(),
            log_format=self._setting.config.log_format,
            log_level=self._setting.config.log_level,
            steps=self._steps,
        )


def _cores() -> int:
    """Those that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
