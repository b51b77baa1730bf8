# Made from client/_async/run.py by scripts/async_to_sync.py; edit that one.
"""A run as its starter sees it."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from contextlib import closing
from datetime import datetime
from time import monotonic
from typing import Any, ClassVar, Generic, Literal, TypeAlias, TypeVar, cast
from uuid import UUID

from psycopg import Connection

from pgflow_runtime.client._sync.control import control
from pgflow_runtime.client._sync.feed import Feed
from pgflow_runtime.client._sync.kin import list_companions
from pgflow_runtime.client._sync.signals import send_signal
from pgflow_runtime.client._sync.step import StepRun
from pgflow_runtime.client._sync.subscription import EventHandler, subscribe
from pgflow_runtime.client._sync.watcher import Watcher
from pgflow_runtime.client.tokens import EXPIRES_IN, Claims, make_token
from pgflow_runtime.contract import FlowContract
from pgflow_runtime.database import queries
from pgflow_runtime.database.store import is_passing
from pgflow_runtime.errors import PgflowError, RunCancelled, RunFailed, RunNotFound, WaitTimeout
from pgflow_runtime.runs.documents import readable
from pgflow_runtime.runs.events import Event
from pgflow_runtime.runs.kin import CompanionRun, RunOrigin
from pgflow_runtime.runs.signals import SignalOutcome
from pgflow_runtime.runs.snapshot import RunSnapshot, StepSnapshot
from pgflow_shared.statuses import FINAL_RUN, RunStatus

OutputT = TypeVar("OutputT")

RunEventName: TypeAlias = Literal["started", "completed", "failed", "cancelled", "*"]


class Run(Generic[OutputT]):
    """One run of a flow. Its properties show the last reading; waiting and ``refresh`` bring newer ones."""

    contract: ClassVar[FlowContract]

    def __init__(self, watcher: Watcher, feed: Feed) -> None:
        self._watcher = watcher
        self._feed = feed

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.run_id} {self.status}>"

    @property
    def run_id(self) -> UUID:
        return self._feed.run_id

    @property
    def flow_slug(self) -> str:
        return self._feed.latest.flow_slug

    @property
    def status(self) -> RunStatus:
        return self._feed.latest.status

    @property
    def input(self) -> Any:
        """The run's input. Raises UnreadableValue for one that Python cannot hold."""
        return readable(self._feed.latest.input)

    @property
    def output(self) -> OutputT | None:
        """The run's output once it completed, else None. Raises UnreadableValue."""
        return cast(OutputT, readable(self._feed.latest.output)) if self.status == "completed" else None

    @property
    def error_message(self) -> str | None:
        """Why the run failed; None while it did not."""
        latest = self._feed.latest
        if latest.status != "failed":
            return None
        step = latest.failed_step
        return latest.error_message or (step.error_message if step is not None else None)

    @property
    def remaining_steps(self) -> int:
        return self._feed.latest.remaining_steps

    @property
    def started_at(self) -> datetime:
        return self._feed.latest.started_at

    @property
    def completed_at(self) -> datetime | None:
        return self._feed.latest.completed_at

    @property
    def failed_at(self) -> datetime | None:
        return self._feed.latest.failed_at

    @property
    def cancelled_at(self) -> datetime | None:
        return self._feed.latest.cancelled_at

    @property
    def cancel_reason(self) -> str | None:
        """What the canceller said; None while the run is not cancelled, or nothing was said."""
        return self._feed.latest.cancel_reason

    @property
    def held_at(self) -> datetime | None:
        """Since when the run is held: nothing of it is begun until it is released. None: it is not."""
        return self._feed.latest.held_at

    @property
    def begins_at(self) -> datetime | None:
        """When a run that was started for later is to begin; None once it has begun."""
        return self._feed.latest.begins_at

    @property
    def steps(self) -> dict[str, StepSnapshot]:
        """The steps' states by slug, as of the last reading; empty before the first full one."""
        return dict(self._feed.latest.steps or {})

    @property
    def origin(self) -> RunOrigin | None:
        """Where the run comes from (another run, a schedule).

        None: somebody started it, or this handle has not read it since it did.
        """
        return self._feed.latest.origin

    def companions(self) -> list[CompanionRun]:
        """What its ends have started: undos, then what is done at ends.

        Raises what the database says.
        """
        return list_companions(self._watcher, self.run_id)

    def refresh(self) -> None:
        """Read the run again. Raises RunNotFound, ConnectionFailed..."""
        if self._feed.is_final:
            return
        found = self._watcher.read_progress([self._feed])
        snapshot = found.get(self.run_id)
        if snapshot is None:
            raise RunNotFound(f"run {self.run_id} is not in the database any more")
        self._feed.apply(snapshot)

    def result(self, timeout: float | None = 300) -> OutputT:
        """The run's output, once it is there.

        Args:
            timeout: seconds to wait; None: for ever. 0 looks once.

        Raises:
            RunFailed: it failed; carries step, task and message.
            RunCancelled: it was cancelled; carries the reason.
            WaitTimeout: it has not ended in time; it goes on.
            UnreadableValue: it completed, with an output that Python cannot hold.
        """
        self.wait_for("completed", timeout=timeout)
        return cast(OutputT, readable(self._feed.latest.output))

    def wait_for(self, *statuses: RunStatus, timeout: float | None = 300) -> RunStatus:
        """Wait for one of the statuses (default: any end); returns the status the run has then.

        Ends on any final status: ``wait_for("failed")`` of a run that completes returns "completed".
        Raises RunFailed when the run failed and "failed" was not asked for, likewise RunCancelled;
        WaitTimeout, RunNotFound.
        """
        awaited = statuses or FINAL_RUN
        latest = self._wait(lambda run: run.is_final or run.status in awaited, awaited, timeout)
        if latest.status != "completed" and latest.status not in awaited:
            raise self._failure()
        return latest.status

    def cancel(self, reason: str | None = None) -> bool:
        """End the run now, as ``cancelled``: nothing more of it is begun, and late results change nothing.

        A handler that runs is told (``ctx.cancelled``; an async one is cancelled) once its worker knows.

        Args:
            reason: for those who look at the run, and for ``RunCancelled.reason``.

        Returns:
            Whether it was cancelled by this call; False: it had ended already.

        Raises RunNotFound, PermissionDenied, ConnectionFailed.
        """
        outcomes = control(self._watcher, queries.CANCEL_RUNS, [self.run_id], reason=reason)
        self._after(outcomes)
        return outcomes[self.run_id] == "cancelled"

    def retry(self, *, even_if_undone: bool = False) -> bool:
        """Take a failed or cancelled run up again, in place: what was completed stays, the rest is done anew.

        This handle follows the run again. Events and waits that ended with the run's end stay ended.

        Args:
            even_if_undone: also a run whose steps have been undone; they are not done again.

        Returns:
            Whether it was taken up by this call. False: it goes on, has completed, was undone, what its end
            started is not over, or it is a child that nobody waits for.

        Raises RunNotFound, PermissionDenied (it takes the role pgflow_operator), ConnectionFailed.
        """
        outcomes = control(
            self._watcher, queries.RETRY_RUNS, [self.run_id], spread=0.0, even_if_undone=even_if_undone
        )
        self._after(outcomes)
        return outcomes[self.run_id] == "retried"

    def _after(self, outcomes: Mapping[UUID, str]) -> None:
        """Read the run as it is now; raises RunNotFound where there is none."""
        if outcomes.get(self.run_id, "no_such_run") == "no_such_run":
            raise RunNotFound(f"there is no run {self.run_id} in this database")
        snapshot = self._watcher.read(self.run_id)
        if snapshot is None:
            raise RunNotFound(f"run {self.run_id} is not in the database any more")
        if self._feed.is_final and not snapshot.is_final:
            self._feed = self._feed.anew(snapshot)
        else:
            self._feed.apply(snapshot)

    def events(self) -> Generator[Event]:
        """All events of the run from the first on, in the promised order; ends after the run's end."""
        self._watcher.hold(self._feed)
        try:
            with closing(self._feed.events()) as events:
                for event in events:
                    yield event
        finally:
            self._watcher.release(self._feed)

    def on(self, event: RunEventName, handler: EventHandler) -> Callable[[], None]:
        """Call ``handler`` with the run's events, also with those that have happened already.

        Args:
            event: ``started``, ``completed``, ``failed``, ``cancelled`` (of the run), or ``*``: those of the
                steps too.

        Returns:
            A function that ends it. It ends by itself after the run's end.
        """
        wanted = None if event == "*" else f"run:{event}"
        return subscribe(self._watcher, self._feed, handler, lambda found: wanted in (None, found.event_type))

    def _send(
        self,
        step_slug: str,
        payload: object,
        dedupe: str | None = None,
        conn: Connection[Any] | None = None,
    ) -> SignalOutcome:
        """Send a signal to this run. Raises InvalidInput before anything is sent, RunNotFound."""
        text = self.contract.signal(step_slug).encode_payload(payload)
        return send_signal(self._watcher, self.run_id, step_slug, text, dedupe, conn)

    def _signal_token(self, step_slug: str, expires_in: float = EXPIRES_IN) -> str:
        """What lets its bearer answer this signal of this run, see ``client.send_by_token``."""
        self.contract.signal(step_slug)
        return make_token(Claims(self.run_id, self.contract.slug, step_slug), expires_in)

    def _step(self, slug: str) -> StepRun[Any]:
        """The step ``slug``; generated classes give it its type."""
        return StepRun(self, slug)

    def _wait(
        self,
        is_enough: Callable[[RunSnapshot], bool],
        awaited: tuple[str, ...],
        timeout: float | None,
        step_slug: str | None = None,
    ) -> RunSnapshot:
        """The first reading that is enough. Raises WaitTimeout, or why nothing more will come.

        ``step_slug``: which step's status is awaited; None: the run's.
        """
        if is_enough(self._feed.latest):
            return self._feed.latest
        if timeout is not None and timeout <= 0:
            self.refresh()
        deadline = None if timeout is None else monotonic() + timeout
        self._watcher.hold(self._feed)
        try:
            while True:
                seen = self._feed.changed.version
                if is_enough(self._feed.latest):
                    return self._feed.latest
                if self._feed.error is not None:
                    raise self._feed.error
                left = None if deadline is None else deadline - monotonic()
                if left is not None and left <= 0:
                    subject, status = self._subject(step_slug)
                    raise WaitTimeout(subject, timeout or 0, status, awaited, self._feed.trouble)
                self._feed.changed.wait(seen, left)
        finally:
            self._watcher.release(self._feed)

    def _subject(self, step_slug: str | None) -> tuple[str, str]:
        """What is waited for, and its present status."""
        if step_slug is None:
            return f"run {self.run_id} of flow '{self.flow_slug}'", self.status
        step = self.steps.get(step_slug)
        status = step.status if step is not None else "created"
        return f"step '{step_slug}' of run {self.run_id}", status

    def _failure(self) -> PgflowError:
        """What to raise for a run that ended otherwise than awaited: a failed one with step and task.

        That the run failed is known already: with the database away just now, it is told without the rest.
        """
        latest = self._feed.latest
        if latest.status == "cancelled":
            return RunCancelled(self.run_id, self.flow_slug, latest.cancel_reason)
        if latest.status != "failed":
            return PgflowError(f"run {self.run_id} of flow '{self.flow_slug}' ended as '{latest.status}'")
        step = self._feed.latest.failed_step
        slug, task_index = step.step_slug if step is not None else None, None
        try:
            if self._feed.latest.steps is None:
                self.refresh()
            found = self._watcher.fetch_one(queries.GET_FAILURE, {"run_id": self.run_id})
            if found is not None:
                slug, task_index, _ = found
        except PgflowError as error:
            if not is_passing(error):
                raise
        return RunFailed(self.run_id, self.flow_slug, self.error_message, slug, task_index)
