"""``executor="ray"``: each task a task of a Ray cluster, by way of a process that speaks with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from pgflow_runtime.errors import UsageError
from pgflow_runtime.worker.executors.packed import PackedResult, PackedTask
from pgflow_runtime.worker.executors.ray_driver import RayDriver
from pgflow_runtime.worker.executors.reconnecting import NotReached, Reconnecting
from pgflow_runtime.worker.executors.table import Setting

_HELP: Final = (
    "give --ray-address or PGFLOW_RAY_ADDRESS as HOST:PORT of the cluster's head node; the worker's host has"
    " to be a node of it (ray start --address=HOST:PORT)"
)


class Ray:
    """All tasks go through one driver process. Where the cluster is lost another one is started."""

    def __init__(self, setting: Setting) -> None:
        self._address = setting.config.ray_address
        self._driver = Reconnecting(f"Ray at {self._address}", self._start)

    async def open(self) -> None:
        """Raises UsageError: Ray is not installed, or there is no cluster where it was looked for."""
        if self._address == "local" or "://" in self._address:
            raise UsageError(f"executor 'ray' cannot use the address {self._address!r}", help=_HELP)
        try:
            await self._driver.open()
        except NotReached as error:
            raise UsageError(f"executor 'ray': {error.message}", help=error.help or _HELP) from None

    async def run(
        self, task: PackedTask, resources: Mapping[str, float], begin: Callable[[], None]
    ) -> PackedResult:
        driver = await self._driver.get()
        return await driver.run(task, _options(resources), begin)

    async def close(self) -> None:
        await self._driver.close()

    async def _start(self) -> RayDriver:
        driver = RayDriver(self._address)
        await driver.start()
        return driver


def _options(resources: Mapping[str, float]) -> dict[str, Any]:
    """Of a remote function. What Ray has no word for is a resource that its nodes were started with."""
    words = {"cpus": "num_cpus", "gpus": "num_gpus", "memory": "memory"}
    options: dict[str, Any] = {words[name]: amount for name, amount in resources.items() if name in words}
    own = {name: amount for name, amount in resources.items() if name not in words}
    return {**options, "resources": own} if own else options
