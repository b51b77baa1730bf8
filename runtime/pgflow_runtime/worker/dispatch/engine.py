"""The loop that moves tasks between the database and the handlers.

A few dispatchers, each with a connection, do the same over and over: report whatever has ended while the
last call was under way, and take new tasks for free slots. Slots are reserved before a call that may bring
tasks. Batches grow by themselves under load and are single tasks when there is none; nothing waits for a
timer. A dispatcher with nothing to do sleeps until something ends, a notification comes, or it is time to
look.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from pgflow_runtime.database.backoff import Backoff
from pgflow_runtime.errors import (
    ConnectionFailed,
    CoreMissing,
    CoreTooOld,
    DatabaseError,
    PermissionDenied,
    PgflowError,
    UnknownFlow,
)
from pgflow_runtime.worker import logs
from pgflow_runtime.worker.dispatch.core_calls import HELD_UP, CoreCalls
from pgflow_runtime.worker.dispatch.core_connection import ConnectionClosed, CoreConnection
from pgflow_runtime.worker.dispatch.held import Held
from pgflow_runtime.worker.dispatch.holders import Holders
from pgflow_runtime.worker.dispatch.idle import Idle
from pgflow_runtime.worker.dispatch.observer import Observer
from pgflow_runtime.worker.dispatch.outcome_logging import (
    log_completions,
    log_failures,
    log_loss,
    log_own_commit,
    log_rounds,
    log_unbegun,
)
from pgflow_runtime.worker.dispatch.served import ServedFlows
from pgflow_runtime.worker.protocol.failure import headline
from pgflow_runtime.worker.protocol.outcome import (
    Completed,
    FailedAttempt,
    Lost,
    Outcome,
    Refused,
    RoundEnded,
    Stored,
    Unbegun,
)
from pgflow_runtime.worker.protocol.rows import DUE, Fence, TaskRow
from pgflow_runtime.worker.tasks.lost_connections import LostConnections
from pgflow_runtime.worker.tasks.running import Running
from pgflow_runtime.worker.tasks.slots import Slots

OutcomeT = TypeVar("OutcomeT", bound=Outcome)

MOST_OUTCOMES = 500
"""Outcomes in one call at most."""
HOPELESS = (CoreMissing, CoreTooOld, UnknownFlow, PermissionDenied, ConnectionFailed)
"""What waiting does not mend (a lost connection is waited for elsewhere)."""
MOST_BYTES = 32 * 1024 * 1024
"""Output in one call at most, unless a single one is larger."""


def _ignore(_seconds: float) -> None: ...


class Engine:
    """Owns the outcomes waiting to be reported and decides what each dispatcher does next."""

    def __init__(
        self,
        flows: ServedFlows,
        core_calls: CoreCalls,
        slots: Slots,
        idle: Idle,
        batch_size: int,
        dispatcher_count: int,
        make_running: Callable[[Callable[[Outcome], None]], Running],
        observer: Observer | None = None,
    ) -> None:
        """``make_running`` is given ``emit``; ``observer``: where somebody counts."""
        self._flows = flows
        self._core_calls = core_calls
        self._slots = slots
        self._idle = idle
        self._batch_size = batch_size
        self._most_outcomes = min(MOST_OUTCOMES, -(-slots.total // dispatcher_count))  # so that they overlap
        self._waiting: deque[Outcome] = deque()
        self._signal = asyncio.Event()
        self._calls = 0
        self.settled = asyncio.Event()
        """Set while nothing waits to be reported and no call is under way."""
        self.settled.set()
        self._held = Held(self._signal.set)
        self._holders = Holders()
        self._backoff = Backoff(0.5, 5.0)
        self._unforeseen = Backoff(0.5, 30.0)
        self._lost_connections = LostConnections()
        self._reading = True
        self._timer: asyncio.TimerHandle | None = None
        self._observer = observer
        self.running = make_running(self.emit)
        self.due_in: Callable[[float], None] = _ignore
        """Told in how many seconds something is due, when the worker becomes idle, or that it is now."""

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
        return len(self._waiting) + len(self._held)

    def unsettled_fences(self) -> set[Fence]:
        """Attempts that ended and are not reported yet."""
        return {outcome.row.fence for outcome in self._waiting} | self._held.fences

    def drop_held(self) -> None:
        """Leave to recovery what the database does not take; the worker is stopping."""
        for outcome in self._held.drop_all():
            logs.unreported(outcome.row, "the worker stops")
        self._note_settled()

    # -- the dispatchers

    async def dispatch(self, connection: CoreConnection) -> None:
        """Work until cancelled."""
        while True:
            if self._held.due:
                await self._call(connection, self._report_again)
            if self._waiting:
                await self._call(connection, self._report)
            if self._may_read() and self._idle.may_look():
                await self._call(connection, self._claim)
            elif self._waiting or self._held.due:
                continue
            elif self._may_read() and self._may_announce():
                await self._call(connection, self._announce)
            else:
                await self._pause()

    async def _call(
        self, connection: CoreConnection, action: Callable[[CoreConnection], Awaitable[None]]
    ) -> None:
        self._calls += 1
        self.settled.clear()
        try:
            async with connection.lock:
                await action(connection)
        except PgflowError:
            raise
        except Exception as error:
            await self._bear_unforeseen(connection, error)
        finally:
            self._calls -= 1
            self._signal.set()
            self._note_settled()

    def _note_settled(self) -> None:
        if not self._waiting and not self._calls and not self._held:
            self.settled.set()

    def _may_read(self) -> bool:
        return self._reading and self._slots.free > 0 and bool(self._flows.active)

    def _may_announce(self) -> bool:
        return self._calls == 0 and not self._held and self._idle.may_announce()

    async def _pause(self) -> None:
        if self._may_read():
            self._set_timer(self._idle.seconds_to_wait(quiet=self._calls == 0))
        self._signal.clear()
        await self._signal.wait()

    def _set_timer(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(max(seconds, 0.001), self._signal.set)

    # -- what a dispatcher does

    async def _announce(self, connection: CoreConnection) -> None:
        self._idle.begin_announcement()
        flows, seconds = self._flows.active, self._idle.lease_seconds
        try:
            visible_in = await self._core_calls.announce(connection, flows, seconds)
        except DatabaseError as error:
            self._bear(error)
        else:
            self._idle.announced(visible_in)
            if visible_in is not None:
                self.due_in(visible_in)

    async def _claim(self, connection: CoreConnection) -> None:
        most = self._slots.reserve(self._batch_size) if self._may_read() else 0
        if not most:
            return
        self._idle.begin_look()
        try:
            rows = await self._core_calls.claim(connection, self._flows.active, most)
        except DatabaseError as error:
            self._bear(error)
            return
        finally:
            self._slots.unreserve(most)
        self._backoff.reset()
        self._unforeseen.reset()
        if len(rows) == most:
            self._idle.want_look()  # there may be more
        if not rows:
            self._idle.note_no_work()
        self._start(rows)

    def _bear(self, error: DatabaseError) -> None:
        """Looking for work was refused: by an overloaded server perhaps. Look again after a pause."""
        if isinstance(error, ConnectionClosed):
            return  # the worker is stopping; no work was lost
        if isinstance(error, HOPELESS):
            raise error
        logs.logger.warning("cannot look for work: %s", error)
        self._idle.hold_off(self._backoff.pause())

    async def _bear_unforeseen(self, connection: CoreConnection, error: Exception) -> None:
        """No refusal of the database, and no task's fault that is known: it must not end the worker."""
        logs.logger.error("a call failed and is left to the next one: %s", headline(error), exc_info=error)
        await connection.drop()  # what it brought is given back to the queue once another is open
        await asyncio.sleep(self._unforeseen.pause())

    async def _report(self, connection: CoreConnection) -> None:
        await self._send(connection, *self._take(self._waiting))

    async def _report_again(self, connection: CoreConnection) -> None:
        """What was held up, apart from the rest: it may be held up once more."""
        outcomes = self._take(self._held.due)
        try:
            await self._send(connection, *outcomes)
        finally:
            self._held.tried(itertools.chain(*outcomes))
        await self._holders.end(connection, self._held.run_ids)

    async def _send(
        self,
        connection: CoreConnection,
        completed: Sequence[Completed],
        failed: Sequence[FailedAttempt],
        rounds: Sequence[RoundEnded],
        lost: Sequence[Lost | Unbegun],
    ) -> None:
        for outcome in lost:
            await self._give_back(connection, outcome)
        if failed:
            rows = self._heed(await self._core_calls.fail(connection, failed))
            self._log_failures(*self._hold(failed, rows))
        live, ending = self._by_flow(completed)
        if live:
            # each outcome frees a slot: one that still waits keeps its own for its own successor
            await self._complete(connection, live, max(len(live), self._slots.free - len(self._waiting)))
        if ending:
            await self._complete(connection, ending, 0)
        if rounds:
            await self._end_rounds(connection, rounds)

    async def _complete(self, connection: CoreConnection, batch: Sequence[Completed], hand_over: int) -> None:
        most = self._slots.reserve(hand_over) if self._may_read() else 0
        try:
            rows = await self._core_calls.complete(connection, batch, most)
        finally:
            self._slots.unreserve(most)
        handed = [row for row in rows if row.outcome == "claimed"]
        if len(handed) == most:
            self._idle.want_look()  # what became ready beyond our slots is in the queue
        self._idle.note_activity()
        self._start(handed)
        others = self._heed([row for row in rows if row.outcome != "claimed"])
        log_completions(*(self._hold(batch, others) if others else (batch, others)), self._observer)

    async def _end_rounds(self, connection: CoreConnection, batch: Sequence[RoundEnded]) -> None:
        """Loops go round: what is due at once begins here, unless its flow takes no new tasks."""
        live, ending = self._by_flow(batch)
        for rounds in (live, ending):
            if not rounds:
                continue
            most = self._slots.reserve(len(rounds)) if rounds is live and self._may_read() else 0
            try:
                rows = await self._core_calls.again(connection, rounds, most)
            finally:
                self._slots.unreserve(most)
            self._idle.note_activity()
            handed = [row for row in rows if row.outcome == "claimed"]
            self._start(handed)
            for item in rounds:
                if item.delay_ms:
                    self._idle.note_visible_in(-(-item.delay_ms // 1000))
            if len(handed) < sum(not item.delay_ms for item in rounds):
                self._idle.want_look()  # the others are in the queue, now or soon
            others = self._heed([row for row in rows if row.outcome != "claimed"])
            log_rounds(*(self._hold(rounds, others) if others else (rounds, others)), self._observer)

    def _heed(self, rows: Sequence[TaskRow]) -> Sequence[TaskRow]:
        """Rows about tasks; whoever ended a child has its parent told at once, which waits for it."""
        about_tasks = [row for row in rows if row.outcome != DUE]
        if len(about_tasks) < len(rows):
            self.due_in(0.0)
        return about_tasks

    def _start(self, rows: Sequence[TaskRow]) -> None:
        if rows:
            self._idle.note_activity()
        for row in rows:
            step = self._flows.step(row.flow_slug, row.step_slug)
            if step is None:
                self.emit(FailedAttempt(row, f"UnknownStep: this worker has no step {row.step_slug!r}", 0.0))
            else:
                self.running.start(row, step)

    def _log_failures(self, failures: Sequence[FailedAttempt], rows: Sequence[TaskRow]) -> None:
        self._idle.note_activity()
        for row in rows:
            if row.outcome == "retried":
                self._idle.note_visible_in(row.delay or 0)
        log_failures(failures, rows, self._observer)

    async def _give_back(self, connection: CoreConnection, outcome: Lost | Unbegun) -> None:
        try:
            was_given_back = await self._core_calls.give_back(connection, outcome.row)
        except ConnectionClosed:
            raise
        except DatabaseError as error:
            logs.held_up(outcome.row, str(error))
            self._hold_one(outcome)
            return
        self._idle.want_look()
        if isinstance(outcome, Unbegun):
            log_unbegun(outcome)
        else:
            log_loss(outcome, was_given_back, self._observer)

    def _hold(
        self, batch: Sequence[OutcomeT], rows: Sequence[TaskRow]
    ) -> tuple[Sequence[OutcomeT], Sequence[TaskRow]]:
        """Keep what was held up for later; the outcomes that are settled, and their rows."""
        held = {row.fence for row in rows if row.outcome == HELD_UP}
        if not held:
            return batch, rows
        for outcome in batch:
            if outcome.row.fence in held:
                self._hold_one(outcome)
        settled = [outcome for outcome in batch if outcome.row.fence not in held]
        return settled, [row for row in rows if row.outcome != HELD_UP]

    def _hold_one(self, outcome: Outcome) -> None:
        if not self._held.hold(outcome):
            logs.unreported(outcome.row, "it was held up until its task's time was over")
            if self._observer is not None:
                self._observer.ended(outcome.row, "unreported", outcome.seconds)

    def _take(
        self, waiting: deque[Outcome]
    ) -> tuple[list[Completed], list[FailedAttempt], list[RoundEnded], list[Lost | Unbegun]]:
        """The outcomes of the next call, in the order they came."""
        completed: list[Completed] = []
        failed: list[FailedAttempt] = []
        rounds: list[RoundEnded] = []
        lost: list[Lost | Unbegun] = []
        size = 0
        while (
            waiting and len(completed) + len(failed) + len(rounds) < self._most_outcomes and size < MOST_BYTES
        ):
            outcome = waiting.popleft()
            if isinstance(outcome, Completed):
                completed.append(outcome)
                size += len(outcome.output)
            elif isinstance(outcome, FailedAttempt):
                failed.append(outcome)
            elif isinstance(outcome, RoundEnded):
                rounds.append(outcome)
                size += len(outcome.state)
            elif isinstance(outcome, Unbegun):
                lost.append(outcome)
            elif not isinstance(outcome, Lost):
                self._log_own_commit(outcome)
            elif waiting is self._held.due or self._lost_connections.may_release(outcome.row):
                lost.append(outcome)
            else:
                failed.append(outcome.as_failure())
        return completed, failed, rounds, lost

    def _log_own_commit(self, outcome: Stored | Refused) -> None:
        """A transactional step has spoken to the core itself; what became ready is in the queue."""
        self._idle.want_look()
        log_own_commit(outcome, self._observer)

    def _by_flow(self, batch: Sequence[OutcomeT]) -> tuple[list[OutcomeT], list[OutcomeT]]:
        """Results of flows that take new tasks, and of deprecated ones, which must not be handed any."""
        live: list[OutcomeT] = []
        ending: list[OutcomeT] = []
        for item in batch:
            flow = self._flows.of_worker(item.row.worker_id)
            (ending if flow is None or flow.is_deprecated else live).append(item)
        return live, ending
