"""What a client knows of one run: the last reading, and the events it told of."""

from __future__ import annotations

import threading
from collections.abc import AsyncGenerator, Mapping, Sequence
from time import monotonic
from uuid import UUID

from pgflow_runtime.client.concurrency import AsyncNotifier
from pgflow_runtime.client.typed import typed
from pgflow_runtime.contract import FlowContract
from pgflow_runtime.errors import PgflowError
from pgflow_runtime.runs.documents import readable
from pgflow_runtime.runs.events import Event, RunCompletedEvent, RunStartedEvent, StepCompletedEvent, derive
from pgflow_runtime.runs.snapshot import RunSnapshot, StepSnapshot


class AsyncFeed:
    """The state of one run as its waiters share it. A final state sticks: nothing is read after it."""

    def __init__(
        self,
        snapshot: RunSnapshot,
        dependencies: Mapping[str, Sequence[str]],
        contract: FlowContract | None = None,
    ) -> None:
        self._contract = contract
        if contract is not None:
            snapshot = typed(contract, snapshot)
        self.run_id: UUID = snapshot.run_id
        self.latest = snapshot
        self.log: list[Event] = []
        self.changed = AsyncNotifier()
        self.error: PgflowError | None = None
        """Why nothing more will come: the run is gone, or the client was closed."""
        self.trouble: str | None = None
        """Why the last reading failed, while it is being tried again."""
        self.holds = 0
        """How many wait or listen; the watcher reads while there is one."""
        self.due = 0.0
        """When to read next, in seconds of the monotonic clock."""
        self.interval = 0.0
        self._dependencies = dependencies
        self._told: RunSnapshot | None = None
        self._lock = threading.Lock()
        if snapshot.steps is not None:
            self._tell(snapshot)

    def anew(self, snapshot: RunSnapshot) -> AsyncFeed:
        """A feed of the same run, which goes on after the end that this one has told of."""
        return AsyncFeed(snapshot, self._dependencies, self._contract)

    def renew(self) -> None:
        """In a forked child: whoever held the lock or waited does not exist here."""
        self.changed = AsyncNotifier()
        self.holds = 0
        self._lock = threading.Lock()

    @property
    def is_final(self) -> bool:
        """The run has ended and its end was told."""
        return self._told is not None and self._told.is_final

    def apply(self, snapshot: RunSnapshot) -> bool:
        """Take a new reading in; True if it told something new. One older than the last changes nothing."""
        with self._lock:
            if self.is_final or _is_older(snapshot, self.latest):
                return False
            self.trouble = None
            if self._contract is not None:
                snapshot = typed(self._contract, snapshot, self.latest)
            progress = _progress(self.latest) != _progress(snapshot)
            self.latest = snapshot
            news = self._tell(snapshot)
        if news or progress:
            self.changed.notify()
        return news or progress

    def fail(self, error: PgflowError) -> None:
        """Nothing more will come; all waiters learn why."""
        if not self.is_final and self.error is None:
            self.error = error
        self.changed.notify()

    def is_stale(self) -> bool:
        return not self.is_final and self.error is None and monotonic() >= self.due

    async def events(self) -> AsyncGenerator[Event]:
        """All events from the first to the run's end. Raises what ``fail`` was given, UnreadableValue."""
        index = 0
        while True:
            seen = self.changed.version
            while index < len(self.log):
                yield self.whole(self.log[index])
                index += 1
            if self.is_final:
                return
            if self.error is not None:
                raise self.error
            await self.changed.wait(seen, None)

    def whole(self, event: Event) -> Event:
        """The event. Raises UnreadableValue where its input or output cannot be read."""
        if isinstance(event, RunStartedEvent):
            readable(event.input)
        elif isinstance(event, RunCompletedEvent | StepCompletedEvent):
            readable(event.output)
        return event

    def _tell(self, snapshot: RunSnapshot) -> bool:
        if snapshot.steps is None:
            return False
        news = derive(self._told, snapshot, self._dependencies)
        self.log.extend(news)
        self._told = snapshot
        return bool(news)


def _is_older(snapshot: RunSnapshot, latest: RunSnapshot) -> bool:
    """Two readings may overtake each other on their way; states only move on, so they tell which is older."""
    if latest.is_final and not snapshot.is_final:
        return True
    if latest.steps is None or snapshot.steps is None:
        return latest.steps is not None
    pairs = [(snapshot.steps.get(slug), step) for slug, step in latest.steps.items()]
    return any(new is None or _stage(new) < _stage(old) for new, old in pairs)


def _stage(step: StepSnapshot) -> tuple[int, int]:
    """How far a step has come: its status, then its tasks done."""
    return 2 if step.is_final else int(step.status == "started"), step.completed_tasks


def _progress(snapshot: RunSnapshot) -> list[object]:
    """What changes without an event: tasks done."""
    steps = (snapshot.steps or {}).values()
    return [snapshot.status, *(step.remaining_tasks for step in steps)]
