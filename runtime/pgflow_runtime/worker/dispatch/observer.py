"""Who counts what a worker does: told of each outcome and call, in the event loop, so it must be quick."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from pgflow_runtime.worker.protocol.rows import TaskRow


class Observer(Protocol):
    def ended(self, row: TaskRow, outcome: str, seconds: float) -> None:
        """An attempt at a task is over, after ``seconds`` of its handler.

        ``outcome``: completed, retried, again (it asked to run again), failed, skipped (its step), tolerated
        (its failure is a value), cancelled (before the result came its run had failed or its step was
        skipped), stale (another attempt has the task, or it is stored already), lost (a transactional step's
        connection; given back unless its commit came through) or unreported (the core took no result at all).
        """

    def called(self, call: str, seconds: float, task_count: int) -> None:
        """The database answered a claim, complete, fail or announce that moved so many tasks."""


class Several:
    """Observers as one."""

    def __init__(self, observers: Sequence[Observer]) -> None:
        self._observers = tuple(observers)

    def ended(self, row: TaskRow, outcome: str, seconds: float) -> None:
        for observer in self._observers:
            observer.ended(row, outcome, seconds)

    def called(self, call: str, seconds: float, task_count: int) -> None:
        for observer in self._observers:
            observer.called(call, seconds, task_count)


def as_one(observers: Sequence[Observer]) -> Observer | None:
    """None where nobody counts, so that it costs nothing."""
    if len(observers) == 1:
        return observers[0]
    return Several(observers) if observers else None
