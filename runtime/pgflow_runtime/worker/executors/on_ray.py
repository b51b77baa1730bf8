"""A process of the worker that speaks with a Ray cluster for it, and what runs on the cluster.

Ray calls such a process a driver, and ends it where the cluster is lost for a minute. It sets signal actions,
and writes to stdout and stderr: nothing that a worker would have in its own process.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import Iterator, Mapping
from typing import Any, Final, NoReturn

import ray
from ray.exceptions import RayError, RaySystemError, RayTaskError, TaskCancelledError

from pgflow_runtime.worker.executors.frames import frame, read, receive
from pgflow_runtime.worker.executors.messages import BEGUN, LOST, READY, RESULT, RUN, UNUSABLE
from pgflow_runtime.worker.executors.packed import PackedTask
from pgflow_runtime.worker.executors.there import run_packed

_CONNECT: Final = 5.0
"""Seconds that the address of a cluster may take to answer at all."""


def main(fd: int) -> NoReturn:
    """Connect to the cluster whose address comes first, serve the worker, and end with it."""
    connection = socket.socket(fileno=fd)
    connection.set_inheritable(False)
    os.dup2(2, 1)
    address = receive(connection)
    try:
        _connect(address)
    except (Exception, SystemExit) as error:
        connection.sendall(frame((READY, f"{type(error).__name__}: {error}")))
        os._exit(1)
    for number in (signal.SIGINT, signal.SIGTERM):  # meant for the worker, where a whole group gets them
        signal.signal(number, signal.SIG_IGN)
    connection.sendall(frame((READY, None)))
    asyncio.run(_Driver().serve(connection))
    ray.shutdown()
    os._exit(0)


def _connect(address: str) -> None:
    """Join a cluster that is there; one of its own Ray would start for no address, and for "local"."""
    host, _, port = address.rpartition(":")
    if port.isdecimal():  # Ray itself would look for a GCS that is not there for minutes
        socket.create_connection((host.strip("[]"), int(port)), _CONNECT).close()
    ray.init(address=address, log_to_driver=False, configure_logging=False, namespace="pgflow")


class _Driver:
    """Has tasks run, each under the number that the worker has given it."""

    def __init__(self) -> None:
        self._remote: Any = ray.remote(_run)
        self._generators: dict[int, Any] = {}
        self._begun: set[int] = set()
        self._jobs: set[asyncio.Task[None]] = set()

    async def serve(self, connection: socket.socket) -> None:
        """Until the other end is closed."""
        reader, self._writer = await asyncio.open_connection(sock=connection)
        while True:
            try:
                word, number, *values = await read(reader)
            except (EOFError, OSError):
                return
            if word == RUN:
                job = asyncio.create_task(self._run(number, *values))
                self._jobs.add(job)
                job.add_done_callback(self._jobs.discard)
            elif number in self._generators:
                # one that has not begun may wait for a process that is just starting, which others can use
                ray.cancel(self._generators[number], force=number in self._begun)

    async def _run(self, number: int, task: PackedTask, options: Mapping[str, Any]) -> None:
        settings = {"max_retries": 0, "num_returns": "streaming", "name": task.label, **options}
        try:
            results = self._generators[number] = self._remote.options(**settings).remote(task)
            await (await anext(results))
            self._begun.add(number)
            self._say(BEGUN, number, None)
            self._say(RESULT, number, await (await anext(results)))
        except TaskCancelledError:
            pass  # by the worker, which does not wait any more
        except (RayTaskError, RaySystemError) as error:
            self._say(UNUSABLE, number, _last_line(error))
        except RayError as error:
            self._say(LOST, number, _first_lines(error))
        except Exception as error:
            self._say(UNUSABLE, number, f"{type(error).__name__}: {error}")
        finally:
            self._generators.pop(number, None)
            self._begun.discard(number)

    def _say(self, word: str, number: int, value: object) -> None:
        self._writer.write(frame((word, number, value)))


def _run(task: PackedTask) -> Iterator[Any]:
    """On a node: that the task begins, then its result."""
    yield None
    yield run_packed(task)


def _first_lines(error: Exception) -> str:
    """The two first sentences; what follows explains how to search Ray's own logs."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {'. '.join(text.split('. ')[:2]).rstrip('.')}"


def _last_line(error: Exception) -> str:
    return str(error).strip().rpartition("\n")[2]
