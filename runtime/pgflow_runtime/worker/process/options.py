"""Where a worker's options come from: arguments or flags, then ``PGFLOW_*`` variables, then defaults."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import Field, fields
from typing import Any, TypedDict

from pgflow_runtime.errors import UsageError
from pgflow_runtime.option_values import Values
from pgflow_runtime.worker_config import LogFormat, LogLevel, WorkerConfig


class WorkerOptions(TypedDict, total=False):
    """``Worker``'s keyword arguments: the fields of ``WorkerConfig``, which documents them."""

    max_concurrent: int
    batch_size: int
    visibility_timeout: int
    max_poll_seconds: float
    poll_interval_ms: int
    poll_only: bool
    max_pg_connections: int
    max_handler_connections: int | None
    grace_seconds: float
    max_output_bytes: int
    retention: str
    health_port: int | None
    health_host: str
    health_allowed_hosts: str
    restart_url: str
    name: str
    processes: int
    executor_processes: int | None
    executor_tasks: int
    dask_scheduler: str
    ray_address: str
    exit_when_idle: float | None
    max_tasks: int | None
    log_format: LogFormat
    log_config: str
    log_level: LogLevel


def variable(name: str) -> str:
    """The environment variable of an option: PGFLOW_MAX_CONCURRENT."""
    return f"PGFLOW_{name.upper()}"


def make_config(given: Mapping[str, Any], env: Mapping[str, str] = os.environ) -> WorkerConfig:
    """The options that hold.

    Raises:
        UsageError: an option that does not exist, or a value that does not fit; names where it came from.
    """
    options = {option.name: option for option in fields(WorkerConfig)}
    for name in given:
        if name not in options:
            raise UsageError(f"a worker has no option {name!r}", help=f"it takes {', '.join(options)}")
    values = dict(given)
    for name, option in options.items():
        text = env.get(variable(name))
        if name not in values and text:
            values[name] = _read(option, text)
    return WorkerConfig(**values)


def _read(option: Field[Any], text: str) -> object:
    """An option's value from the text of its environment variable."""
    values: Values = option.metadata["values"]
    try:
        return values.read(text)
    except ValueError:
        raise UsageError(f"{variable(option.name)} is {text!r}; it must be {values.wanted}") from None
