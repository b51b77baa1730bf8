"""The options of a worker: their defaults, limits and meaning stand here and nowhere else.

The command line's flags, the ``PGFLOW_*`` variables and ``Worker``'s keyword arguments are all derived
from these fields (``worker/process/options.py``).
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from datetime import timedelta
from typing import Any, Literal, TypeAlias, get_args

from pgflow_runtime.duration import parse_duration
from pgflow_runtime.errors import UsageError

LogFormat: TypeAlias = Literal["text", "json"]
LogLevel: TypeAlias = Literal["debug", "info", "warning", "error"]

LARGEST_VALUE = 256 * 1024 * 1024 - 1
"""Bytes that one text in a jsonb may take: the server's own limit."""


def _option(
    default: Any,
    help: str,
    *,
    least: int | None = None,
    most: int | None = None,
    choices: tuple[str, ...] = (),
) -> Any:
    return field(default=default, metadata={"help": help, "least": least, "most": most, "choices": choices})


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerConfig:
    """Options of a worker process.

    Raises:
        UsageError: a value of the wrong type or outside its limits.
    """

    max_concurrent: int = _option(50, "Tasks a process works on at a time.", least=1)
    batch_size: int = _option(50, "Tasks claimed in one call at most.", least=1)
    visibility_timeout: int = _option(
        2, "Seconds until a message that was read but could not be started is read again.", least=1
    )
    max_poll_seconds: float = _option(
        2.0, "Seconds an idle process waits for a notification before it looks for itself.", least=0
    )
    poll_interval_ms: int = _option(
        100,
        "Milliseconds between two looks of a process that hears no notifications; up to 500 once idle.",
        least=1,
    )
    poll_only: bool = _option(
        False,
        "Use no LISTEN connection and no prepared statements: for transaction poolers such as pgbouncer.",
    )
    max_pg_connections: int = _option(
        4,
        "Connections of the engine itself (claims, completions, heartbeat); LISTEN and maintenance are one"
        " more each.",
        least=2,
    )
    max_handler_connections: int | None = _option(
        None, "Connections for handlers that use ctx.conn() or ctx.aconn(); default: max_concurrent.", least=1
    )
    grace_seconds: float = _option(
        30.0, "Seconds running handlers are given to end when the worker stops.", least=0
    )
    max_output_bytes: int = _option(
        16 * 1024 * 1024, "Largest output of a task, in bytes of JSON.", least=1, most=LARGEST_VALUE
    )
    retention: str = _option(
        "", "Delete runs that ended longer ago than this, such as 30d; default: keep them all."
    )
    health_port: int | None = _option(
        None, "Serve /healthz and /metrics on this port; 0: any free one, logged.", least=0, most=65535
    )
    health_host: str = _option("127.0.0.1", "The address that port is bound to.")
    health_allowed_hosts: str = _option(
        "", "Names, beside localhost and addresses, under which that port may be asked; with commas between."
    )
    name: str = _option("", "Name in pgflow.workers; default: the host's name.")
    processes: int = _option(1, "Supervised worker processes.", least=1)
    log_format: LogFormat = _option("text", "Format of the log lines.", choices=get_args(LogFormat))  # noqa: RUF009
    log_config: str = _option("", "A file that configures Python's logging: TOML or JSON, see the docs.")
    log_level: LogLevel = _option("info", "Least severity logged.", choices=get_args(LogLevel))  # noqa: RUF009

    def __post_init__(self) -> None:
        for item in fields(self):
            check_value(item.name, item.type, getattr(self, item.name), item.metadata)
        if self.retention:
            parse_duration(self.retention)
        if self.health_port and self.health_port + self.processes - 1 > 65535:
            raise UsageError(
                f"{self.processes} processes from health_port {self.health_port} on need ports above 65535"
            )
        if not self.name:
            import socket  # here, so that importing a flow module stays light

            object.__setattr__(self, "name", socket.gethostname())

    @property
    def keep(self) -> timedelta | None:
        """How long ended runs are kept; None: for ever."""
        return parse_duration(self.retention) if self.retention else None

    def of_process(self, number: int) -> WorkerConfig:
        """The options of process ``number``, from 1 on, of several: each has a health port of its own."""
        port = self.health_port and self.health_port + number - 1
        return replace(self, processes=1, health_port=port)

    @property
    def handler_connections(self) -> int:
        """Size of the pool that serves handlers."""
        return self.max_handler_connections or self.max_concurrent


def check_value(name: str, annotation: Any, value: object, metadata: Any) -> None:
    """Refuse a value that does not fit its option.

    Raises:
        UsageError: naming the option and what it takes.
    """
    wanted = str(annotation)
    if value is None and "None" in wanted:
        return
    if wanted == "bool":
        fits = isinstance(value, bool)
    elif wanted.startswith("float"):
        fits = isinstance(value, int | float) and not isinstance(value, bool)
    elif wanted.startswith("int"):
        fits = isinstance(value, int) and not isinstance(value, bool)
    else:
        fits = isinstance(value, str)
    if not fits:
        raise UsageError(f"worker option {name} is {_kind(wanted)}, not {value!r}")
    least = metadata["least"]
    if least is not None and isinstance(value, int | float) and not value >= least:
        raise UsageError(f"worker option {name} is {value!r}; the least is {least}")
    most = metadata["most"]
    if most is not None and isinstance(value, int | float) and value > most:
        raise UsageError(f"worker option {name} is {value!r}; the most is {most}")
    if metadata["choices"] and value not in metadata["choices"]:
        raise UsageError(f"worker option {name} is {value!r}; it is one of {', '.join(metadata['choices'])}")


def _kind(wanted: str) -> str:
    kinds = {"bool": "true or false", "int": "an integer", "float": "a number"}
    return next((text for start, text in kinds.items() if wanted.startswith(start)), "a text")
