"""``Worker``: what users start, from Python or through ``pgflow-gen worker``."""

from __future__ import annotations

import asyncio
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Unpack

from pgflow_runtime import forks
from pgflow_runtime.database.dsn import resolve_dsn
from pgflow_runtime.dsl import Flow
from pgflow_runtime.errors import PgflowError, UsageError
from pgflow_runtime.project import Project, find_project
from pgflow_runtime.registry import RegisteredFlow, load_flow, register
from pgflow_runtime.worker import logs
from pgflow_runtime.worker.loop import own_loop
from pgflow_runtime.worker.monitoring.restart import is_restartable
from pgflow_runtime.worker.process.options import WorkerOptions, make_config
from pgflow_runtime.worker.process.process import Process
from pgflow_runtime.worker.process.signals import Signals
from pgflow_runtime.worker.process.supervision.supervisor import Supervisor
from pgflow_runtime.worker.states import State


class Worker:
    """Runs the handlers of one or several flows.

    Args:
        flows: ``Flow`` objects, or their names as ``"flows.crawl:crawl"``.
        dsn: the database; None looks where the commands look (``PGFLOW_DSN``, ...).
        project: where the generated contracts are; None finds it from the working directory.
        options: the fields of ``WorkerConfig``; those left out come from ``PGFLOW_*`` variables.

    A worker starts once. Several flows share its slots and connections; each has its own queue and its
    own row in ``pgflow.workers``.

    Raises:
        PgflowError: an option, a flow or the generated contract cannot be used; says what to do.
    """

    def __init__(
        self,
        flows: Sequence[Flow[Any] | str],
        *,
        dsn: str | None = None,
        project: Project | Path | None = None,
        **options: Unpack[WorkerOptions],
    ) -> None:
        if not flows:
            raise UsageError("a worker needs at least one flow")
        self.config = make_config(options)
        self.project = project if isinstance(project, Project) else find_project(project)
        self.project.put_on_path()
        self._dsn = dsn
        self._flows = [_registered(flow, self.project) for flow in flows]
        _refuse_twins(self._flows)
        self._process: Process | None = None

    @property
    def state(self) -> State:
        """created, starting, running, deprecated, stopping or stopped (of ``serve``, or ``run`` here)."""
        return State.CREATED if self._process is None else self._process.state

    def run(self) -> None:
        """Work until SIGTERM or SIGINT, or until all flows were deprecated.

        Sets up logging and signal handlers. A handler that does not end is left behind with the process:
        then this does not return but ends it, with 0 or, after an error, 1.

        Raises:
            PgflowError: the worker could not start or go on.
        """
        logs.set_up(self.config.log_format, self.config.log_level, self.config.log_config)
        logs.show({*self.project.module_names(), *_packages(self._flows)}, self.config.log_level)
        with Signals() as signals, self._database() as conninfo:
            if self.config.processes > 1 or is_restartable(self.config):
                failure = self._supervise(conninfo, signals)
            else:
                failure = self._work(conninfo, signals)
        if self._process is not None and self._process.is_lingering:
            _leave(failure)
        if failure is not None:
            raise failure

    async def serve(self) -> None:
        """The same inside a running event loop, in this process; ends by ``stop`` or by being cancelled.

        Leaves logging and signals to the caller.

        Raises:
            PgflowError: the worker could not start or go on.
        """
        if self.config.processes > 1 or self.config.restart_url:
            raise UsageError("several processes, and restarts from outside, need Worker.run()")
        with self._database() as conninfo:
            await self._make_process(conninfo).serve()

    def stop(self) -> None:
        """Let ``serve`` take no new tasks, finish and return. Call it from the event loop."""
        if self._process is not None:
            self._process.stop()

    def _make_process(self, conninfo: str) -> Process:
        if self._process is not None:
            raise UsageError("a worker starts once", help="make a new Worker to run again")
        self._process = Process(self._flows, conninfo, self.config)
        return self._process

    def _work(self, conninfo: str, signals: Signals) -> PgflowError | None:
        process = self._make_process(conninfo)
        loop = own_loop()
        signals.call(partial(loop.call_soon_threadsafe, process.stop))
        try:
            with forks.only_here():
                loop.run_until_complete(process.serve())
        except PgflowError as error:
            return error
        finally:
            if not process.is_lingering:
                loop.run_until_complete(loop.shutdown_asyncgens())
                loop.close()
        return None

    def _supervise(self, conninfo: str, signals: Signals) -> PgflowError | None:
        names = [item.contract.flow for item in self._flows]
        supervisor = Supervisor(names, conninfo, self.config, self.project)
        loop = asyncio.new_event_loop()
        signals.call(partial(loop.call_soon_threadsafe, supervisor.stop), supervisor.kill)
        try:
            loop.run_until_complete(supervisor.run())
        except PgflowError as error:
            return error
        finally:
            loop.close()
        return None

    @contextmanager
    def _database(self) -> Generator[str]:
        found = resolve_dsn(self._dsn)
        for note in found.notes:
            logs.logger.info("%s", note)
        if found.conninfo is not None:
            yield found.conninfo
            return
        from pgflow_runtime.database.embedded import (
            embedded_server,  # needs a Unix system, which a DSN does not
        )

        with embedded_server(self.project.root) as conninfo:
            yield conninfo


def _registered(flow: Flow[Any] | str, project: Project) -> RegisteredFlow:
    if isinstance(flow, str):
        return load_flow(flow, project)
    if not isinstance(flow, Flow):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise UsageError(f"a worker serves flows, not {flow!r}", help='give Flow objects or "module:flow"')
    return register(flow, project)


def _packages(flows: Sequence[RegisteredFlow]) -> set[str]:
    """Where the handlers are, also when that is installed somewhere else."""
    return {module.partition(".")[0] for item in flows for module in item.contract.modules}


def _refuse_twins(flows: Sequence[RegisteredFlow]) -> None:
    slugs = [item.contract.slug for item in flows]
    for slug in slugs:
        if slugs.count(slug) > 1:
            raise UsageError(f"flow {slug!r} is named twice")


def _leave(failure: PgflowError | None) -> None:
    """End the process although a handler goes on."""
    if failure is not None:
        logs.logger.error("%s", failure)
    else:
        logs.logger.warning("a handler does not end; the process ends without it")
    forks.end_children()
    forks.end(0 if failure is None else 1)
