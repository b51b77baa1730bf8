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
from pgflow_runtime.option_values import Choice, Flag, Integer, Number, Text, Values

LogFormat: TypeAlias = Literal["text", "json"]
LogLevel: TypeAlias = Literal["debug", "info", "warning", "error"]

LARGEST_VALUE = 256 * 1024 * 1024 - 1
"""Bytes that one text in a jsonb may take: the server's own limit."""


def _option(default: Any, help: str, values: Values) -> Any:
    return field(default=default, metadata={"help": help, "values": values})


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerConfig:
    """Options of a worker process.

    Raises:
        UsageError: a value of the wrong type or outside its limits.
    """

    max_concurrent: int = _option(50, "Tasks a process works on at a time.", Integer(least=1))
    batch_size: int = _option(50, "Tasks claimed in one call at most.", Integer(least=1))
    visibility_timeout: int = _option(
        2, "Seconds until a message that was read but could not be started is read again.", Integer(least=1)
    )
    max_poll_seconds: float = _option(
        2.0, "Seconds an idle process waits for a notification before it looks for itself.", Number(least=0)
    )
    poll_interval_ms: int = _option(
        100,
        "Milliseconds between two looks of a process that hears no notifications; up to 500 once idle.",
        Integer(least=1),
    )
    poll_only: bool = _option(
        False,
        "Use no LISTEN connection and no prepared statements: for transaction poolers such as pgbouncer.",
        Flag(),
    )
    max_pg_connections: int = _option(
        4,
        "Connections of the engine itself (claims, completions, heartbeat); LISTEN and maintenance are one"
        " more each.",
        Integer(least=2),
    )
    max_handler_connections: int | None = _option(
        None,
        "Connections for handlers that use ctx.conn() or ctx.aconn(); default: max_concurrent.",
        Integer(least=1, or_none=True),
    )
    grace_seconds: float = _option(
        30.0, "Seconds running handlers are given to end when the worker stops.", Number(least=0)
    )
    max_output_bytes: int = _option(
        16 * 1024 * 1024,
        "Largest output of a task, in bytes of JSON.",
        Integer(least=1, most=LARGEST_VALUE),
    )
    retention: str = _option(
        "", "Delete runs that ended longer ago than this, such as 30d; default: keep them all.", Text()
    )
    health_port: int | None = _option(
        None,
        "Serve /healthz and /metrics on this port; 0: any free one, logged.",
        Integer(least=0, most=65535, or_none=True),
    )
    health_host: str = _option("127.0.0.1", "The address that port is bound to.", Text())
    health_allowed_hosts: str = _option(
        "",
        "Names, beside localhost and addresses, under which that port may be asked; with commas between.",
        Text(),
    )
    restart_url: str = _option(
        "",
        "Where the database reaches that port, such as http://worker.internal:8080, so that ensure_workers"
        " can have dead processes started again; default: its host and port, if a secret for it is set.",
        Text(),
    )
    name: str = _option("", "Name in pgflow.workers; default: the host's name.", Text())
    processes: int = _option(1, "Supervised worker processes.", Integer(least=1))
    executor_processes: int | None = _option(
        None,
        'Processes for the tasks of steps with executor="process"; default: as many as there are cores.',
        Integer(least=1, or_none=True),
    )
    executor_tasks: int = _option(
        1_000, "Tasks after which such a process is replaced by a new one.", Integer(least=1)
    )
    dask_scheduler: str = _option(
        "",
        'Address of the Dask scheduler for steps with executor="dask", such as tcp://scheduler.internal:8786.',
        Text(),
    )
    ray_address: str = _option(
        "auto",
        'Address of the Ray cluster for steps with executor="ray", as HOST:PORT of its head node;'
        " auto: the cluster that this host is a node of.",
        Text(),
    )
    exit_when_idle: float | None = _option(
        None,
        "End, with exit code 0, once there was nothing to do for so many seconds; default: never.",
        Number(least=0, or_none=True),
    )
    max_tasks: int | None = _option(
        None,
        "End, with exit code 0, once a process has begun so many tasks and they are over; default: never.",
        Integer(least=1, or_none=True),
    )
    log_format: LogFormat = _option("text", "Format of the log lines.", Choice(get_args(LogFormat)))  # noqa: RUF009
    log_config: str = _option(
        "", "A file that configures Python's logging: TOML or JSON, see the docs.", Text()
    )
    log_level: LogLevel = _option("info", "Least severity logged.", Choice(get_args(LogLevel)))  # noqa: RUF009

    def __post_init__(self) -> None:
        for option in fields(self):
            if wrong := option.metadata["values"].fault(getattr(self, option.name)):
                raise UsageError(f"worker option {option.name} {wrong}")
        if self.retention:
            parse_duration(self.retention)
        if self.restart_url and self.health_port is None:
            raise UsageError("restart_url needs health_port: that is where restarts are asked for")
        if self.restart_url and not self.restart_url.startswith(("http://", "https://")):
            raise UsageError(f"restart_url is {self.restart_url!r}; it must begin with http:// or https://")
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
