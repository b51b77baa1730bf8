"""A connection to a Dask scheduler, in the worker's event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Final
from uuid import uuid4

from distributed import Client, KilledWorker
from distributed.client import FutureCancelledError

from pgflow_runtime.errors import PgflowError
from pgflow_runtime.worker.executors.base import LostElsewhere
from pgflow_runtime.worker.executors.on_dask import BEGUN, LOST, BeginsOnce, EndsHandlers, NotHere, run_once
from pgflow_runtime.worker.executors.packed import PackedResult, PackedTask
from pgflow_runtime.worker.executors.reconnecting import NotReached
from pgflow_shared.distribution import installed

_CONNECT: Final = 10.0
"""Seconds that a scheduler may take to answer."""
_CLOSE: Final = 2.0
_RESOURCES: Final = {"cpus": "CPU", "gpus": "GPU", "memory": "MEMORY"}
"""What workers of Dask are told to offer, by its own examples: ``--resources "GPU=2 MEMORY=100e9"``."""


class DaskCluster:
    """One connection for all tasks; each is a future of its own. When it is lost, so are they."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._begin: dict[str, Callable[[], None]] = {}
        self._lost: dict[str, str] = {}
        """The tasks that were lost with a worker, by their keys, and its address."""

    async def connect(self) -> None:
        """Raises NotReached: the scheduler does not answer, or the cluster lacks what it needs."""
        self._client: Any = Client(
            self._address, asynchronous=True, timeout=_CONNECT, set_as_default=False, name="pgflow"
        )
        try:
            async with asyncio.timeout(_CONNECT + 1):
                await self._client
        except Exception as error:
            await self.close()
            raise NotReached(f"it does not answer ({_words(error)})") from error
        self._comm = self._client.scheduler_comm
        self._client._timeout = 0  # it would connect again by itself, and not know what has begun
        self._client.subscribe_topic(BEGUN, self._note_begun)
        self._client.subscribe_topic(LOST, self._note_lost)
        try:
            await self._client.register_plugin(BeginsOnce())
            await self._client.register_plugin(EndsHandlers())
        except Exception as error:
            await self.close()
            raise NotReached(
                f"its scheduler or a worker of it cannot run tasks: {_words(error)}",
                help=f"install {installed()} there, the same release as here",
            ) from error

    @property
    def is_alive(self) -> bool:
        return self._client.scheduler_comm is self._comm and not self._comm.closed()

    async def run(
        self, task: PackedTask, resources: Mapping[str, float], begin: Callable[[], None]
    ) -> PackedResult:
        """Raises LostElsewhere: the Dask worker or the scheduler was lost; PgflowError: it cannot be run."""
        key = _key(task)
        wanted = {_RESOURCES.get(name, name): amount for name, amount in resources.items()}
        self._begin[key] = begin
        future = self._client.submit(run_once, task, key=key, pure=False, retries=0, resources=wanted or None)
        try:
            result: PackedResult = await future.result()
        except FutureCancelledError as error:
            raise LostElsewhere(self._how_lost(key, error)) from None
        except (KilledWorker, NotHere) as error:
            raise LostElsewhere(f"Dask gave the task up: {_words(error)}") from None
        except Exception as error:
            raise PgflowError(f"Dask cannot run the task: {_words(error)}") from error
        finally:
            del self._begin[key]
            self._lost.pop(key, None)
            future.release()  # where it is not done, the cluster ends it now
        return result

    async def close(self) -> None:
        with suppress(OSError):  # a time-out is one
            await self._client.close(timeout=_CLOSE)

    def _note_begun(self, key: str) -> None:
        if begin := self._begin.get(key):
            begin()

    def _note_lost(self, event: tuple[str, str]) -> None:
        key, worker = event
        if key in self._begin:
            self._lost[key] = worker

    def _how_lost(self, key: str, error: FutureCancelledError) -> str:
        if worker := self._lost.get(key):
            return f"the Dask worker {worker}, which ran the handler, was lost"
        if self.is_alive:
            return f"the Dask cluster gave the task up: {error}"
        return f"the Dask scheduler {self._address} was lost"


def _key(task: PackedTask) -> str:
    """What the cluster's pages and logs show; Dask takes what stands before the first "-" as a group."""
    ids = (task.run_id, task.task_index, task.attempt, uuid4().hex[:8])
    return f"{task.flow_slug}.{task.step_slug}-{'-'.join(map(str, ids))}"


def _words(error: BaseException) -> str:
    first_line = str(error).strip().partition("\n")[0]
    return f"{type(error).__name__}: {first_line}" if first_line else type(error).__name__
