"""The health port in the supervisor's hands: it answers also while the processes are dead.

A single process serves its own health on a port of the loopback's, where it is asked; of several each has one
of its own, after this one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import replace
from http.client import HTTPConnection, HTTPException
from typing import Final, Protocol

from pgflow_runtime.errors import UsageError
from pgflow_runtime.worker.logs import logger
from pgflow_runtime.worker.monitoring.http import HttpServer, Reply
from pgflow_runtime.worker.monitoring.restart import (
    ANYWHERE,
    Locality,
    RestartRoute,
    allowed_hosts,
    path_of,
    secret_of,
    url_of,
)
from pgflow_runtime.worker.process.supervision.status import Status
from pgflow_runtime.worker_config import WorkerConfig

_PATIENCE: Final = 5.0
"""Seconds a process has to say how it is; and the supervisor's loop to begin one."""


class Keeper(Protocol):
    """Who keeps the processes."""

    def begin(self) -> str: ...
    def statuses(self) -> Mapping[int, Status | None]: ...


class SharedPort:
    """Serves from ``start`` to ``stop``, in threads of its own."""

    def __init__(self, config: WorkerConfig, conninfo: str, keeper: Keeper) -> None:
        assert config.health_port is not None
        if config.health_port and config.health_port + config.processes > 65535:
            raise UsageError(
                f"{config.processes} processes after health_port {config.health_port} need ports above 65535"
            )
        self._config = config
        self._keeper = keeper
        self._url = ""
        is_elsewhere = config.processes > 1 and config.health_host not in ANYWHERE
        self._inside = config.health_host if is_elsewhere else "127.0.0.1"
        route = RestartRoute(secret_of(), Locality(conninfo), self._begin)
        self._server = HttpServer(
            config.health_host,
            config.health_port,
            {"/healthz": self._healthz, "/livez": self._livez, "/metrics": self._metrics},
            allowed_hosts(config),
            {path_of(config): route},
        )

    def start(self) -> None:
        """Raises UsageError: the port cannot be had."""
        self._loop = asyncio.get_running_loop()
        port = self._server.start()
        self._url = url_of(self._config, port)
        host = self._config.health_host
        logger.info("health and metrics on http://%s:%s", f"[{host}]" if ":" in host else host, port)
        logger.info("asked to start at %s", self._url)

    def stop(self) -> None:
        self._server.stop()

    def config_of(self, number: int) -> WorkerConfig:
        """The options of process ``number``, which tells the database where it can be started from."""
        config = self._config
        if config.processes == 1:
            here = {"health_host": "127.0.0.1", "health_port": 0}
        else:
            here = {"health_port": config.health_port and config.health_port + number}
        return replace(config, processes=1, restart_url=self._url, **here)  # type: ignore[arg-type]

    def _begin(self) -> Reply:
        """From a thread of the server."""
        answer: Future[str] = Future()
        try:
            self._loop.call_soon_threadsafe(lambda: answer.set_result(self._keeper.begin()))
            word = answer.result(_PATIENCE)
        except (RuntimeError, TimeoutError):  # its loop has ended
            word = "stopping"
        if word == "started":
            logger.info("started on request")
        return Reply(503 if word == "stopping" else 200, f"{word}\n")

    def _healthz(self) -> Reply:
        return self._verdict("/healthz", missing=True)

    def _livez(self) -> Reply:
        """A process that is not there is begun by the supervisor: a new one of that would do no better."""
        return self._verdict("/livez", missing=False)

    def _metrics(self) -> Reply:
        if self._config.processes > 1:
            return Reply(404, "each process has its metrics on a port of its own\n")
        status = self._keeper.statuses()[1]
        return self._ask(status, "/metrics") or Reply(503, "the worker process is not running\n")

    def _verdict(self, path: str, *, missing: bool) -> Reply:
        ailments = ""
        for number, status in self._keeper.statuses().items():
            reply = self._ask(status, path)
            if reply is None and missing:
                ailments += f"worker process {number} is not running\n"
            elif reply is not None and reply.status != 200:
                ailments += reply.text
        return Reply(503, ailments) if ailments else Reply(200, "ok\n")

    def _ask(self, status: Status | None, path: str) -> Reply | None:
        """What a process says; None where there is none that could."""
        if status is None or not status.health_port:
            return None
        connection = HTTPConnection(self._inside, status.health_port, timeout=_PATIENCE)
        try:
            connection.request("GET", path)
            reply = connection.getresponse()
            kind = reply.getheader("content-type") or "text/plain"
            return Reply(reply.status, reply.read().decode(), kind)
        except (OSError, HTTPException):
            return None
        finally:
            connection.close()
