"""How a run ended, as its undos and ends are told."""

from __future__ import annotations

from typing import Literal, TypeAlias, TypedDict

UndoWhen: TypeAlias = Literal["completed", "started"]
"""Which tasks an undo is for: those that completed, or also those that were under way."""
EndOn: TypeAlias = Literal["completed", "failed", "cancelled", "always"]
"""The ends of a run that an ``@flow.end`` is for."""


class RunEnd(TypedDict):
    """What a parameter ``run_end`` of ``@flow.undo`` and ``@flow.end`` gets."""

    run_id: str
    status: Literal["completed", "failed", "cancelled"]
    error: str | None
    """The first line of what went wrong; None where nothing did."""
    failed_step: str | None
    failed_task: int | None
    """The index of the task that failed, in a map."""
    reason: str | None
    """Why the run was cancelled, where somebody said so."""
    undone: Literal["nothing", "completed", "failed"]
    """What came of the undos: there was nothing to undo, all was undone, or some of it could not be."""
