"""What follows the ends of a run in memory: its undo, then its ends, as runs of the same family."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic

from pgflow_runtime.testing.engine.companions import Aftermath, Companions, Start
from pgflow_runtime.testing.member import M


class Followed(Generic[M]):
    """A run, and the companions that its ends have started."""

    def __init__(self, run: M, companions: Companions, has_open_children: Callable[[], bool]) -> None:
        """``has_open_children``: whether some of its children go on, or are to be undone yet."""
        self._has_open_children = has_open_children
        self._aftermath = Aftermath(run.timed.model, companions, str(run.run_id))
        self._undo: tuple[Start, M] | None = None
        """The one under way."""
        self.started: list[tuple[Start, M]] = []

    def go_on(self, start: Callable[[Start], M]) -> bool:
        """Start what is to be started now; whether there was anything."""
        self._aftermath.note()
        if self._undo is not None and self._undo[1].status != "started":
            self._tell(*self._undo)
        if not self._aftermath.is_open or self._aftermath.waits:
            return False
        if self._aftermath.may_undo and self._has_open_children():
            return False
        for each in self._aftermath.start():
            companion = start(each)
            self.started.append((each, companion))
            if each.kind == "undo":
                self._undo = each, companion
        return True

    def _tell(self, start: Start, undo: M) -> None:
        self._undo = None
        completed = {
            slug: [index for index, task in enumerate(state.tasks) if task.status == "completed"]
            for slug, state in undo.timed.model.states.items()
        }
        self._aftermath.undo_ended(start, completed, undo.status)

    @property
    def companions(self) -> tuple[M, ...]:
        return tuple(run for _, run in self.started)

    @property
    def is_open(self) -> bool:
        """Whether something of it is under way, or still to come."""
        return self._aftermath.is_open or any(run.status == "started" for run in self.companions)

    @property
    def is_to_be_undone(self) -> bool:
        """Whether an undo is under way, or may still come."""
        self._aftermath.note()
        return self._undo is not None or self._aftermath.may_undo

    @property
    def has_undo(self) -> bool:
        """Whether any undo has started."""
        return self._aftermath.has_undo

    @property
    def undone(self) -> dict[str, list[int]]:
        """By step the tasks that were undone."""
        found: dict[str, list[int]] = {}
        for slug, index, _ in sorted(self._aftermath.undone):
            found.setdefault(slug, []).append(index)
        return found
