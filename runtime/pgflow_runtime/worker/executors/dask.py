"""``executor="dask"``: each task a future of a Dask cluster, awaited in the worker's event loop."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Final

from pgflow_runtime.errors import UsageError
from pgflow_runtime.worker.executors.packed import PackedResult, PackedTask
from pgflow_runtime.worker.executors.reconnecting import NotReached, Reconnecting
from pgflow_runtime.worker.executors.table import Setting
from pgflow_shared.distribution import extra

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pgflow_runtime.worker.executors.dask_cluster import DaskCluster

_HELP: Final = "give --dask-scheduler or PGFLOW_DASK_SCHEDULER, such as tcp://scheduler.internal:8786"
_LOGGERS: Final = ("distributed", "distributed.client", "distributed.gc", "tornado", "tornado.application")
"""Which Dask gives handlers of its own when it is imported."""


class Dask:
    """One connection to the scheduler for all tasks. Where it is lost another one is made."""

    def __init__(self, setting: Setting) -> None:
        self._address = setting.config.dask_scheduler
        self._cluster: Reconnecting[DaskCluster] = Reconnecting(
            f"the Dask scheduler {self._address}", self._connect
        )

    async def open(self) -> None:
        """Raises UsageError: Dask is not installed, or no scheduler that can be used is at the address."""
        if not self._address:
            raise UsageError("executor 'dask' needs the address of a scheduler", help=_HELP)
        try:
            with _loggers_kept():
                import_module("pgflow_runtime.worker.executors.dask_cluster")
        except ImportError as error:
            raise UsageError(f"executor 'dask' is not installed here: {error}", help=extra("dask")) from error
        try:
            await self._cluster.open()
        except NotReached as error:
            raise UsageError(
                f"executor 'dask' cannot use {self._address}: {error.message}", help=error.help or _HELP
            ) from None

    async def run(
        self, task: PackedTask, resources: Mapping[str, float], begin: Callable[[], None]
    ) -> PackedResult:
        """Raises LostElsewhere, PgflowError."""
        cluster = await self._cluster.get()
        return await cluster.run(task, resources, begin)

    async def close(self) -> None:
        await self._cluster.close()

    async def _connect(self) -> DaskCluster:
        from pgflow_runtime.worker.executors.dask_cluster import DaskCluster

        cluster = DaskCluster(self._address)
        await cluster.connect()
        return cluster


@contextmanager
def _loggers_kept() -> Iterator[None]:
    """Have Dask's lines go where those of all libraries go, in the worker's format."""
    loggers = [logging.getLogger(name) for name in _LOGGERS]
    before = [(logger.level, logger.propagate, list(logger.handlers)) for logger in loggers]
    try:
        yield
    finally:
        for logger, (level, propagate, handlers) in zip(loggers, before, strict=True):
            logger.level, logger.propagate, logger.handlers[:] = level, propagate, handlers
            logger.setLevel(level)
        client = logging.getLogger("distributed.client")
        if client.level == logging.NOTSET:
            client.setLevel(logging.CRITICAL)  # a lost scheduler is told in our words
