"""What an executor is: it runs packed tasks, and ends one whose time is over or that counts no more."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from pgflow_runtime.errors import PgflowError
from pgflow_runtime.worker.executors.packed import PackedResult, PackedTask


class LostElsewhere(PgflowError):
    """The process or node that ran a handler ended under it: a failed attempt."""


class Elsewhere(Protocol):
    """Where handlers run. One object for a worker process, used from its event loop only."""

    async def open(self) -> None:
        """Make sure that tasks can be run; called once, before the worker takes any.

        Raises:
            PgflowError: they cannot: what is missing, where it was looked for, and what to do.
        """
        ...

    async def run(
        self, task: PackedTask, resources: Mapping[str, float], begin: Callable[[], None]
    ) -> PackedResult:
        """Have a task done, beside any number of others.

        ``begin`` is called when the task begins: its time runs from then. One that has not begun after
        ``tasks.away.PATIENCE`` seconds is cancelled, and given back to its queue uncounted.

        When it is cancelled it ends the work there, at once and for good, and returns or raises promptly.

        Raises:
            LostElsewhere: what ran it is gone; the message says what happened.
            PgflowError: it cannot be run at all: a failed attempt.
        """
        ...

    async def close(self) -> None:
        """Let go of everything; nothing runs any more. Also after an ``open`` that failed or never was."""
        ...
