"""What is done with a packed task at the other end, in a process or on a node: find the handler and run it.

The one function is ``run_packed``. It knows no executor, needs no worker around it, and may be called in
several threads of a process at a time.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import socket
import threading
from collections.abc import Mapping
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from types import MappingProxyType

from pgflow_runtime import secrets
from pgflow_runtime.contract import FlowContract
from pgflow_runtime.dsl.context import Shutdown
from pgflow_runtime.dsl.resource import close_resources
from pgflow_runtime.errors import BoundaryError, PgflowError, ProjectError
from pgflow_runtime.project import find_project
from pgflow_runtime.registry import contracts, import_handlers
from pgflow_runtime.worker import logs
from pgflow_runtime.worker.executors.ending import Ending
from pgflow_runtime.worker.executors.packed import PackedResult, PackedTask, packed
from pgflow_runtime.worker.executors.session import ConnectionsThere, InputsThere
from pgflow_runtime.worker.protocol.outcome import Outcome, failed
from pgflow_runtime.worker.protocol.rows import TaskRow
from pgflow_runtime.worker.tasks.binding import BoundStep
from pgflow_runtime.worker.tasks.perform_async import aperform
from pgflow_runtime.worker.tasks.perform_sync import perform
from pgflow_runtime.worker.tasks.task import Task, TaskEnvironment
from pgflow_runtime.worker_config import WorkerConfig

_own = threading.local()


def run_packed(
    task: PackedTask, shutdown: Shutdown | None = None, ending: Ending | None = None
) -> PackedResult:
    """Run the handler of a task in this process, and say what became of it; a handler's errors are results.

    ``shutdown``: set by whoever knows that the worker stops. ``ending``: with it the handler can be ended;
    HandlerEnded is raised where that does not become its result.
    """
    row = _row(task)
    try:
        config = _config(task.config)
        _speak(config)
        step = bound_step(task.flow, task.contract, task.structure_hash, task.step_slug)
    except Exception as error:
        return packed(failed(row, _unusable(task, error), 0.0))
    env = TaskEnvironment(
        config,
        _variables(),
        shutdown or Shutdown(),
        InputsThere(task),
        ConnectionsThere(task.dsn, prepare=not config.poll_only),
    )
    work = Task(row, step, env)
    return packed(_perform(work, ending or Ending()))


@lru_cache(maxsize=1024)
def bound_step(flow: str, contract_path: str, structure_hash: str, step_slug: str) -> BoundStep:
    """A step's handler and contract, as this process finds them. Raises PgflowError."""
    contract = _contract(flow, Path(contract_path))
    if contract.structure_hash != structure_hash:
        raise ProjectError(
            f"{contract.path} is of another build than the worker's",
            help="deploy the same code and generated files to workers and to where handlers run",
        )
    registered = import_handlers(contract)
    step = contract.steps.get(step_slug)
    if step is None:
        raise ProjectError(f"{contract.path} has no step {step_slug!r}")
    return BoundStep(contract, step, registered.steps[step_slug].handler, registered.context_type)


def _unusable(task: PackedTask, error: Exception) -> BoundaryError:
    """Code, generated files or release here are not the worker's: another attempt would change nothing."""
    where = f"where executor {task.executor!r} runs it, on {socket.gethostname()}"
    reason = str(error) if isinstance(error, PgflowError) else f"{type(error).__name__}: {error}"
    return BoundaryError("handler", f"{task.handler} cannot be used {where}: {reason}")


def _perform(work: Task, ending: Ending) -> Outcome:
    if work.step.is_async:
        return _runner().run(_aperform(work, ending))
    with ending.in_thread(work):
        return perform(work)


async def _aperform(work: Task, ending: Ending) -> Outcome:
    with ending.in_loop(work):
        return await aperform(work)


def close() -> None:
    """Close what handlers have opened for all tasks of this process."""
    _runner().run(close_resources())
    _runner().close()
    del _own.runner


def _contract(flow: str, path: Path) -> FlowContract:
    """Where the worker has it, or in the project that the flow's module is part of here."""
    if path.is_file():
        return FlowContract.load(path)
    name = flow.partition(":")[0]
    try:
        file = import_module(name).__file__
    except Exception as error:
        raise ProjectError(f"importing {name} fails: {type(error).__name__}: {error}") from error
    project = find_project(Path(file or ".").parent)
    found = [contract for contract in contracts(project) if contract.path.name == path.name]
    if not found:
        raise ProjectError(
            f"neither {path} nor {project.schemas / path.name} is there",
            help="deploy the generated folder with the handlers",
        )
    return found[0]


def _row(task: PackedTask) -> TaskRow:
    return TaskRow(
        outcome="claimed",
        flow_slug=task.flow_slug,
        run_id=task.run_id,
        step_slug=task.step_slug,
        task_index=task.task_index,
        attempt=task.attempt,
        worker_id="",
        msg_id=task.msg_id,
        input=task.input,
        flow_input=task.flow_input,
        timeout=task.seconds,
        delay=None,
        max_attempts=None,
        trace_context=task.trace_context,
        state=task.state,
        round=task.round,
    )


@lru_cache(maxsize=16)
def _config(text: str) -> WorkerConfig:
    return WorkerConfig(**json.loads(text))


@lru_cache(maxsize=1)
def _variables() -> Mapping[str, str]:
    """The environment as it was when this process was first asked for it."""
    return MappingProxyType(dict(os.environ))


@lru_cache(maxsize=16)
def _speak(config: WorkerConfig) -> None:
    """Have handlers' lines go somewhere: where nobody has seen to that, to stderr in the worker's format."""
    secrets.learn()
    if not logging.getLogger("pgflow").hasHandlers():
        logs.set_up(config.log_format, config.log_level)


def _runner() -> asyncio.Runner:
    """This thread's event loop for async handlers: one for good, so that what they share lasts."""
    if not hasattr(_own, "runner"):
        _own.runner = asyncio.Runner()
    runner: asyncio.Runner = _own.runner
    return runner
