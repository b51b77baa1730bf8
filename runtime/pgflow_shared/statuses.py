"""The statuses of runs, steps and tasks: which are final, and how people see them.

The names are SQL's (``_run_is_sound`` and its like hold rows to them). ``cancelled`` is also what a step or a
task that was open when its run ended is shown as.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

RunStatus: TypeAlias = Literal["started", "completed", "failed", "cancelled"]
StepStatus: TypeAlias = Literal["created", "started", "completed", "failed", "skipped", "cancelled"]
TaskStatus: TypeAlias = Literal["queued", "started", "completed", "failed", "cancelled"]


@dataclass(frozen=True, slots=True)
class Look:
    """How a terminal shows it."""

    symbol: str
    plain: str
    """The same where there is no Unicode."""
    style: str
    """As rich names colours."""


@dataclass(frozen=True, slots=True)
class KnownStatus:
    """One status."""

    name: str
    is_final: bool
    word: str
    """What a page calls it."""
    icon: str
    """The page's drawing; its colour is the style sheet's ``is-<icon>``."""
    look: Look


STATUSES: dict[str, KnownStatus] = {
    status.name: status
    for status in (
        KnownStatus("created", False, "waiting", "created", Look("○", "o", "dim")),
        KnownStatus("queued", False, "queued", "created", Look("○", "o", "dim")),
        KnownStatus("started", False, "running", "started", Look("●", "*", "yellow")),
        KnownStatus("completed", True, "completed", "completed", Look("✓", "+", "green")),
        KnownStatus("failed", True, "failed", "failed", Look("✗", "x", "bold red")),
        KnownStatus("skipped", True, "skipped", "skipped", Look("↷", ">", "cyan")),
        KnownStatus("cancelled", True, "cancelled", "cancelled", Look("⊘", "/", "dim")),
    )
}
NOT_RUN = Look("–", "-", "dim")
"""Of a step that its run's end came before."""

RUN_STATUSES: tuple[RunStatus, ...] = get_args(RunStatus)
STEP_STATUSES: tuple[StepStatus, ...] = get_args(StepStatus)
TASK_STATUSES: tuple[TaskStatus, ...] = get_args(TaskStatus)

FINAL: frozenset[str] = frozenset(name for name, status in STATUSES.items() if status.is_final)
"""What has one of these has ended; only a retry takes it up again."""
FINAL_RUN: tuple[RunStatus, ...] = tuple(name for name in RUN_STATUSES if name in FINAL)
FINAL_STEP: tuple[StepStatus, ...] = tuple(name for name in STEP_STATUSES if name in FINAL)

assert STATUSES.keys() == {*RUN_STATUSES, *STEP_STATUSES, *TASK_STATUSES}
