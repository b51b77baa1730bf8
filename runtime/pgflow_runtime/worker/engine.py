"""The loop that moves tasks between the database and the handlers.

A few lanes, each with a connection, do the same thing over and over: report whatever has ended while the
last call was under way, and take new tasks for free slots. Slots are reserved before a call that may bring
tasks. Batches grow by themselves under load and are single tasks when there is none; nothing waits for a
timer. A lane with nothing to do sleeps until something ends, a notification comes or it is time to look.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence

from pgflow_runtime.errors import (
    ConnectionFailed,
    CoreMissing,
    DatabaseError,
    PermissionDenied,
    PgflowError,
    UnknownFlow,
)
from pgflow_runtime.worker import logs
from pgflow_runtime.worker.backoff import Backoff
from pgflow_runtime.worker.exchange import Exchange
from pgflow_runtime.worker.executor import Executor
from pgflow_runtime.worker.failure import headline
from pgflow_runtime.worker.idle import Idle
from pgflow_runtime.worker.link import Link, LinkClosed
from pgflow_runtime.worker.losses import Losses
from pgflow_runtime.worker.observer import Observer
from pgflow_runtime.worker.outcome import Completed, Failed, Lost, Outcome, Refused, Stored
from pgflow_runtime.worker.rows import Fence, TaskRow
from pgflow_runtime.worker.served import ServedFlows
from pgflow_runtime.worker.slots import Slots
from pgflow_runtime.worker.verdicts import note_completions, note_failures, note_loss, note_own_commit

MOST_OUTCOMES = 500
"""Outcomes in one call at most."""
MOST_REFUSALS = 5
"""Looks in a row that the database may refuse before the worker gives up."""
HOPELESS = (CoreMissing, UnknownFlow, PermissionDenied, ConnectionFailed)
"""What waiting does not mend (a lost connection is waited for elsewhere)."""
MOST_BYTES = 32 * 1024 * 1024
"""Output in one call at most, unless a single one is larger."""


class Engine:
    """Owns the outcomes waiting to be reported and decides what each lane does next."""

    def __init__(
        self,
        flows: ServedFlows,
        exchange: Exchange,
        slots: Slots,
        idle: Idle,
        batch_size: int,
        lane_count: int,
    ) -> None:
        self._flows = flows
        self._exchange = exchange
        self._slots = slots
        self._idle = idle
        self._batch_size = batch_size
        self._most_outcomes = min(MOST_OUTCOMES, -(-slots.total // lane_count))  # so that lanes overlap
        self._waiting: deque[Outcome] = deque()
        self._signal = asyncio.Event()
        self._calls = 0
        self.settled = asyncio.Event()
        """Set while nothing waits to be reported and no call is under way."""
        self.settled.set()
        self._refusals = 0
        self._unforeseen = Backoff(first=0.5, longest=30.0)
        self._losses = Losses()
        self._reading = True
        self._timer: asyncio.TimerHandle | None = None
        self.executor: Executor
        """Set before the first lane runs."""
        self.observer: Observer | None = None
        """Likewise, where somebody counts."""

    # -- what the others tell it

    def emit(self, outcome: Outcome) -> None:
        """A task has ended."""
        self._waiting.append(outcome)
        self.settled.clear()
        self._signal.set()

    def wake(self) -> None:
        """There may be work in the queues."""
        self._idle.want_look()
        self._signal.set()

    def stop_reading(self) -> None:
        """Take no new tasks; report what ends."""
        self._reading = False
        self._signal.set()

    @property
    def waiting_count(self) -> int:
        """Outcomes that are not reported yet."""
        return len(self._waiting)

    def unsettled_fences(self) -> set[Fence]:
        """Attempts that ended and are not reported yet."""
        return {outcome.row.fence for outcome in self._waiting}

    # -- the lanes

    async def lane(self, link: Link) -> None:
        """Work until cancelled."""
        while True:
            if self._waiting:
                await self._call(link, self._report)
            if self._may_read() and self._idle.may_look():
                await self._call(link, self._claim)
            elif self._waiting:
                continue
            elif self._may_read() and self._may_announce():
                await self._call(link, self._announce)
            else:
                await self._pause()

    async def _call(self, link: Link, action: Callable[[Link], Awaitable[None]]) -> None:
        self._calls += 1
        self.settled.clear()
        try:
            async with link.lock:
                await action(link)
        except PgflowError:
            raise
        except Exception as error:
            await self._bear_unforeseen(link, error)
        finally:
            self._calls -= 1
            self._signal.set()
            if not self._waiting and not self._calls:
                self.settled.set()

    def _may_read(self) -> bool:
        return self._reading and self._slots.free > 0 and bool(self._flows.active)

    def _may_announce(self) -> bool:
        return self._calls == 0 and self._idle.may_announce()

    async def _pause(self) -> None:
        if self._may_read():
            self._set_timer(self._idle.seconds_to_wait(quiet=self._calls == 0))
        self._signal.clear()
        await self._signal.wait()

    def _set_timer(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(max(seconds, 0.001), self._signal.set)

    # -- what a lane does

    async def _announce(self, link: Link) -> None:
        self._idle.begin_announcement()
        flows, seconds = self._flows.active, self._idle.lease_seconds
        try:
            visible_in = await self._exchange.announce(link, flows, seconds)
        except DatabaseError as error:
            await self._bear(error)
        else:
            self._idle.announced(visible_in)

    async def _claim(self, link: Link) -> None:
        most = self._slots.reserve(self._batch_size) if self._may_read() else 0
        if not most:
            return
        self._idle.begin_look()
        try:
            rows = await self._exchange.claim(link, self._flows.active, most)
        except DatabaseError as error:
            await self._bear(error)
            return
        finally:
            self._slots.unreserve(most)
        self._refusals = 0
        self._unforeseen.reset()
        if len(rows) == most:
            self._idle.want_look()  # there may be more
        self._start(rows)

    async def _bear(self, error: DatabaseError) -> None:
        """Looking for work was refused: by an overloaded server perhaps. Wait a second, but not for ever."""
        if isinstance(error, LinkClosed):
            return  # the worker is stopping; no work was lost
        self._refusals += 1
        if isinstance(error, HOPELESS) or self._refusals >= MOST_REFUSALS:
            raise error
        logs.logger.warning("cannot look for work: %s", error)
        await asyncio.sleep(1)

    async def _bear_unforeseen(self, link: Link, error: Exception) -> None:
        """No refusal of the database, and no task's fault that is known: it must not end the worker."""
        logs.logger.error("a call failed and is left to the next one: %s", headline(error), exc_info=error)
        await link.drop()  # what it brought is given back to the queue once another is open
        await asyncio.sleep(self._unforeseen.pause())

    async def _report(self, link: Link) -> None:
        completed, failed, lost = self._take()
        for outcome in lost:
            await self._give_back(link, outcome)
        if failed:
            self._note_failures(failed, await self._exchange.fail(link, failed))
        live, ending = self._by_flow(completed)
        if live:
            # each outcome frees a slot: one that still waits keeps its own for its own successor
            await self._complete(link, live, max(len(live), self._slots.free - len(self._waiting)))
        if ending:
            await self._complete(link, ending, 0)

    async def _complete(self, link: Link, batch: Sequence[Completed], hand_over: int) -> None:
        most = self._slots.reserve(hand_over) if self._may_read() else 0
        try:
            rows = await self._exchange.complete(link, batch, most)
        finally:
            self._slots.unreserve(most)
        handed = [row for row in rows if row.outcome == "claimed"]
        if len(handed) == most:
            self._idle.want_look()  # what became ready beyond our slots is in the queue
        self._idle.note_activity()
        self._start(handed)
        note_completions(batch, [row for row in rows if row.outcome != "claimed"], self.observer)

    def _start(self, rows: Sequence[TaskRow]) -> None:
        if rows:
            self._idle.note_activity()
        for row in rows:
            step = self._flows.step(row.flow_slug, row.step_slug)
            if step is None:
                self.emit(Failed(row, f"UnknownStep: this worker has no step {row.step_slug!r}", 0.0))
            else:
                self.executor.start(row, step)

    def _note_failures(self, failures: Sequence[Failed], rows: Sequence[TaskRow]) -> None:
        self._idle.note_activity()
        for row in rows:
            if row.outcome == "retried":
                self._idle.note_visible_in(row.delay or 0)
        note_failures(failures, rows, self.observer)

    async def _give_back(self, link: Link, outcome: Lost) -> None:
        self._idle.want_look()
        note_loss(outcome, await self._exchange.give_back(link, outcome.row), self.observer)

    def _take(self) -> tuple[list[Completed], list[Failed], list[Lost]]:
        """The outcomes of the next call, in the order they came."""
        completed: list[Completed] = []
        failed: list[Failed] = []
        lost: list[Lost] = []
        size = 0
        while self._waiting and len(completed) + len(failed) < self._most_outcomes and size < MOST_BYTES:
            outcome = self._waiting.popleft()
            if isinstance(outcome, Completed):
                completed.append(outcome)
                size += len(outcome.output)
            elif isinstance(outcome, Failed):
                failed.append(outcome)
            elif not isinstance(outcome, Lost):
                self._note_own_commit(outcome)
            elif self._losses.may_give_back(outcome.row):
                lost.append(outcome)
            else:
                failed.append(outcome.as_failure())
        return completed, failed, lost

    def _note_own_commit(self, outcome: Stored | Refused) -> None:
        """A transactional step has spoken to the core itself; what became ready is in the queue."""
        self._idle.want_look()
        note_own_commit(outcome, self.observer)

    def _by_flow(self, batch: Sequence[Completed]) -> tuple[list[Completed], list[Completed]]:
        """Results of flows that take new tasks, and of deprecated ones, which must not be handed any."""
        live: list[Completed] = []
        ending: list[Completed] = []
        for item in batch:
            flow = self._flows.of_worker(item.row.worker_id)
            (ending if flow is None or flow.is_deprecated else live).append(item)
        return live, ending
