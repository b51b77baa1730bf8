"""Signals as their senders see them: what becomes of one, and who waits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, TypeAlias
from uuid import UUID

SignalOutcome: TypeAlias = Literal["taken", "kept", "late", "duplicate", "full"]
"""``taken``: the step completes with it; ``kept``: it is not ready yet, and takes the first one that is kept;
``late``: it has ended, or was answered before; ``duplicate``: one with the same ``dedupe`` came before;
``full``: sixteen are kept already."""

SENT: Final = {
    "taken": "the step completes with it",
    "kept": "the step is not ready yet; it takes the first one that was sent",
}
"""What follows a signal that was sent."""

NOT_SENT: Final = {
    "late": "the step waits no more: it was answered before, or has ended",
    "duplicate": "one with the same mark was sent before",
    "full": "sixteen are kept for the step already",
    "no such run": "there is no such run in this database",
    "no such signal": "the run's flow has no such signal",
}
"""Why nothing came of a signal, by the core's word."""


@dataclass(frozen=True, slots=True)
class WaitingSignal:
    """A run's step that waits for somebody. Times are aware datetimes."""

    flow_slug: str
    step_slug: str
    run_id: UUID
    key: str | None
    """By which it can be found; None where the signal has no key, or the run's input nothing there."""
    since: datetime
    deadline_at: datetime | None
    """When it stops waiting; None: never."""
