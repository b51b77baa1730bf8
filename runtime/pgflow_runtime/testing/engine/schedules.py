"""A schedule with time: what fires do while runs of it are under way, and what becomes of late ones."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, Protocol, TypeAlias
from zoneinfo import ZoneInfo

from pgflow_runtime.testing.engine.fires import fires_of, last_fire
from pgflow_runtime.testing.engine.stored import Stored

FireOutcome: TypeAlias = Literal["started", "skipped", "queued", "missed"]
PATIENCE = timedelta(seconds=5)
"""Until a fire that waits for another run is looked at again."""
A_LITTLE_LATE = timedelta(minutes=1)
"""With ``catch_up="none"`` a fire counts for so long."""
MOST_CAUGHT_UP = 100


class ScheduledRuns(Protocol):
    """The runs that a schedule has started."""

    def is_one_open(self) -> bool: ...
    def cancel_open(self, reason: str) -> None: ...
    def start(self, fire_at: datetime) -> Any:
        """Start one; what is told of it."""


@dataclass(frozen=True, slots=True)
class Looked:
    """What came of one fire; ``fire_at`` is None where it was one of those that are passed over. ``run``:
    what was told of its start."""

    fire_at: datetime | None
    outcome: FireOutcome
    run: Any = None


class TimedSchedule:
    """A schedule from the moment on at which it was made."""

    def __init__(self, slug: str, spec: Mapping[str, Any], now: datetime) -> None:
        """``spec``: as ``pgflow.create_schedule`` takes it."""
        self.slug, self.spec = slug, spec
        self._fires = fires_of(spec)
        self.last_fire: datetime | None = None
        self.last_outcome: FireOutcome | None = None
        self.next_fire: datetime | None = None
        self.look_at: datetime | None = None
        """When it is looked at next; None: never."""
        self.is_paused = False
        self._expect(now)

    def look(self, now: datetime, runs: ScheduledRuns) -> list[Looked]:
        """See to what there is to do."""
        if self.next_fire is None:
            return []
        due, after = self._due(self.next_fire, now)
        looked: list[Looked] = []
        for fire in due:
            looked.append(self._see_to(fire, runs))
            self.last_outcome = looked[-1].outcome
            if self.last_outcome == "queued":
                after = fire if self.spec["catch_up"] == "all" else self.next_fire
                break
            self.last_fire = fire or self.last_fire
        self.next_fire = after
        self.look_at = now + PATIENCE if looked and looked[-1].outcome == "queued" else after
        return looked

    def fire(self, now: datetime, runs: ScheduledRuns) -> Looked:
        """Start a run now, whatever it is at; when it fires next stays as it is."""
        self.last_outcome = "started"
        return Looked(now, "started", runs.start(now))

    def pause(self) -> bool:
        """What it misses is not caught up on. Whether that changed anything."""
        if self.is_paused:
            return False
        self.is_paused, self.next_fire, self.look_at = True, None, None
        return True

    def resume(self, now: datetime) -> bool:
        """Fire again, from now on. Whether that changed anything."""
        if not self.is_paused:
            return False
        self.is_paused = False
        self._expect(now)
        return True

    def _expect(self, now: datetime) -> None:
        after = now if self.last_fire is None else max(now, self.last_fire)
        self.next_fire = self.look_at = self._fires.next_fire(after)

    def _due(self, fire: datetime, now: datetime) -> tuple[list[datetime | None], datetime | None]:
        """The fires to see to (None: one that is passed over), and the next after them."""
        if fire > now:
            return [], fire
        if self.spec["catch_up"] == "all":
            passed: list[datetime | None] = []
            after: datetime | None = fire
            while after is not None and after <= now and len(passed) < MOST_CAUGHT_UP:
                passed.append(after)
                after = self._fires.next_fire(after)
            return passed, after
        last = last_fire(self._fires, fire, now)
        counts = (
            self.spec["catch_up"] == "latest" or self.last_outcome == "queued" or last > now - A_LITTLE_LATE
        )
        return [last if counts else None], self._fires.next_fire(last)

    def _see_to(self, fire: datetime | None, runs: ScheduledRuns) -> Looked:
        if fire is None:
            return Looked(None, "missed")
        overlap = self.spec["overlap"]
        if overlap != "allow" and runs.is_one_open():
            if overlap in ("queue", "skip"):
                return Looked(fire, "queued" if overlap == "queue" else "skipped")
            runs.cancel_open(f'the schedule "{self.slug}" has started another run')
        return Looked(fire, "started", runs.start(fire))


def input_at(spec: Mapping[str, Any], input: Stored, fire_at: datetime) -> Stored:
    """The input of a run that the schedule starts: with date and time of the fire where they belong."""
    marks = (
        ("dates", fire_at.astimezone(ZoneInfo(spec["timezone"])).strftime("%Y-%m-%d")),
        ("times", fire_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")),
    )
    made: Any = deepcopy(input)
    for name, text in marks:
        for path in spec.get(name, ()):
            made = _with(made, path, text)
    return made  # type: ignore[no-any-return]


def _with(value: Any, path: list[str], text: str) -> Any:
    """The value with ``text`` at a path that is there."""
    if not path:
        return text
    holder = value
    for key in path[:-1]:
        holder = holder[int(key) if isinstance(holder, list) else key]
    holder[int(path[-1]) if isinstance(holder, list) else path[-1]] = text
    return value
