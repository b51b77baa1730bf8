"""Where a worker's options come from: arguments or flags, then ``PGFLOW_*`` variables, then defaults."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import Field, fields
from typing import Any, TypedDict

from pgflow_runtime.errors import UsageError
from pgflow_runtime.worker_config import LogFormat, LogLevel, WorkerConfig

_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off"})


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
    name: str
    processes: int
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
    known = {item.name: item for item in fields(WorkerConfig)}
    for name in given:
        if name not in known:
            raise UsageError(f"a worker has no option {name!r}", help=f"it takes {', '.join(known)}")
    values = dict(given)
    for name, item in known.items():
        text = env.get(variable(name))
        if name not in values and text:
            values[name] = _read(item, text)
    return WorkerConfig(**values)


def _read(item: Field[Any], text: str) -> Any:
    """An option's value from the text of its environment variable."""
    kind = str(item.type)
    try:
        if kind.startswith("int"):
            return int(text)
        if kind.startswith("float"):
            return float(text)
        if kind == "bool":
            return _read_bool(text)
    except ValueError:
        wanted = {"i": "an integer", "f": "a number", "b": "true or false"}[kind[0]]
        raise UsageError(f"{variable(item.name)} is {text!r}; it must be {wanted}") from None
    return text


def _read_bool(text: str) -> bool:
    word = text.strip().lower()
    if word not in _TRUE | _FALSE:
        raise ValueError(text)
    return word in _TRUE
