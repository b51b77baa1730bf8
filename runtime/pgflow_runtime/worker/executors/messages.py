"""What a worker and its processes for handlers say to each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pgflow_runtime.worker_config import LogFormat, LogLevel

READY: Final = "ready"
"""With None, or with why there will be no work."""
BEGUN: Final = "begun"
RESULT: Final = "result"
LOG: Final = "log"

SHUTDOWN: Final = "shutdown"
END: Final = "end"

MISSING: Final = "missing"
"""From a process that is to speak with a cluster: its library is not installed."""
LOST: Final = "lost"
UNUSABLE: Final = "unusable"
"""With the task's number, and why it was lost there, or cannot be run."""
RUN: Final = "run"
"""With a number, the task and options."""
CANCEL: Final = "cancel"


@dataclass(frozen=True, slots=True)
class Order:
    """What a process is told first."""

    worker_pid: int
    path: list[str]
    """``sys.path``."""
    environment: Mapping[str, str]
    """Variables that count only once all of ours is imported; for handlers, and what they start."""
    levels: Mapping[str, int]
    """Of loggers."""
    log_format: LogFormat
    log_level: LogLevel
    steps: tuple[tuple[str, str, str, str], ...]
    """The arguments of ``there.bound_step``, which are to be found before any task comes."""
