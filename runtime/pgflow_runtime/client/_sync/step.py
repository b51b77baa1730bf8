# Made from client/_async/step.py by scripts/async_to_sync.py; edit that one.
"""A step of a run as the run's starter sees it."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import closing
from typing import Any, ClassVar, Generic, Literal, Protocol, TypeAlias, TypeVar, cast, overload
from uuid import UUID

from pgflow_runtime.client._sync.feed import Feed
from pgflow_runtime.client._sync.kin import list_children
from pgflow_runtime.client._sync.subscription import EventHandler, subscribe
from pgflow_runtime.client._sync.watcher import Watcher
from pgflow_runtime.contract import FlowContract
from pgflow_runtime.errors import PgflowError, StepSkipped, UsageError
from pgflow_runtime.runs.documents import readable
from pgflow_runtime.runs.events import (
    Event,
    RunCancelledEvent,
    RunCompletedEvent,
    RunFailedEvent,
    RunStartedEvent,
    StepEvent,
)
from pgflow_runtime.runs.kin import ChildRun
from pgflow_runtime.runs.snapshot import RunSnapshot, StepSnapshot
from pgflow_shared.statuses import FINAL, FINAL_STEP, StepStatus

OutputT = TypeVar("OutputT")

StepEventName: TypeAlias = Literal["started", "completed", "failed", "skipped", "*"]
_RUN_EVENTS = (RunStartedEvent, RunCompletedEvent, RunFailedEvent, RunCancelledEvent)


class RunOfStep(Protocol):
    """What a step asks of its run."""

    contract: ClassVar[FlowContract]
    _watcher: Watcher
    _feed: Feed

    @property
    def run_id(self) -> UUID: ...
    @property
    def flow_slug(self) -> str: ...
    @property
    def steps(self) -> dict[str, StepSnapshot]: ...
    def events(self) -> Generator[Event]: ...
    def _failure(self) -> PgflowError: ...
    def _wait(
        self,
        is_enough: Callable[[RunSnapshot], bool],
        awaited: tuple[str, ...],
        timeout: float | None,
        step_slug: str | None = None,
    ) -> RunSnapshot: ...


class StepRun(Generic[OutputT]):
    """One step of one run."""

    def __init__(self, run: RunOfStep, step_slug: str) -> None:
        known = [item["slug"] for item in run.contract.structure["steps"]]
        if step_slug not in known:
            raise UsageError(
                f"flow '{run.flow_slug}' has no step '{step_slug}'", help=f"its steps are {', '.join(known)}"
            )
        self._run = run
        self.step_slug = step_slug

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.step_slug} {self.status} of run {self._run.run_id}>"

    @property
    def snapshot(self) -> StepSnapshot | None:
        """The step's state as of the last reading; None before the first full one."""
        return self._run.steps.get(self.step_slug)

    @property
    def status(self) -> StepStatus:
        return self.snapshot.status if self.snapshot is not None else "created"

    @property
    def output(self) -> OutputT | None:
        """The step's output once it completed, else None. Raises UnreadableValue."""
        found = self.snapshot
        if found is None or found.status != "completed":
            return None
        return cast(OutputT, readable(found.output))

    @property
    def error_message(self) -> str | None:
        return self.snapshot.error_message if self.snapshot is not None else None

    @property
    def skip_reason(self) -> str | None:
        return self.snapshot.skip_reason if self.snapshot is not None else None

    @overload
    def wait_for(self, status: Literal["completed"], /, *, timeout: float | None = 300) -> OutputT: ...
    @overload
    def wait_for(
        self,
        status: Literal["created", "started", "failed", "skipped", "cancelled"],
        /,
        *others: StepStatus,
        timeout: float | None = 300,
    ) -> StepStatus: ...
    @overload
    def wait_for(
        self,
        status: Literal["completed"],
        other: StepStatus,
        /,
        *others: StepStatus,
        timeout: float | None = 300,
    ) -> StepStatus: ...
    @overload
    def wait_for(self, *, timeout: float | None = 300) -> StepStatus: ...
    def wait_for(self, *statuses: StepStatus, timeout: float | None = 300) -> Any:
        """Wait for one of the statuses (default: any end).

        ``wait_for("completed")`` returns the step's output; all other forms return the status the step has
        then, which is any final one: ``wait_for("skipped")`` of a step that completes returns "completed".

        Raises:
            StepSkipped: "completed" was awaited alone and the step was skipped.
            RunFailed, RunCancelled: the run ended so before the step came to an awaited status.
            WaitTimeout: after ``timeout`` seconds (None: never).
        """
        awaited = statuses or FINAL_STEP
        run = self._run._wait(
            lambda found: self._is_enough(found, awaited),
            awaited,
            timeout,
            self.step_slug,
        )
        step = (run.steps or {}).get(self.step_slug)
        status = step.status if step is not None else "created"
        if status not in awaited and status not in ("completed", "skipped") and run.is_final:
            raise self._run._failure()
        if statuses != ("completed",):
            return status
        if step is None or status == "skipped":
            raise StepSkipped(self._run.run_id, self.step_slug, self.skip_reason)
        return readable(step.output)

    def events(self) -> Generator[StepEvent]:
        """The step's events, from the first on; ends after its end, or the run's."""
        with closing(self._run.events()) as events:
            for event in events:
                if isinstance(event, _RUN_EVENTS) or event.step_slug != self.step_slug:
                    continue
                yield event
                if event.status in FINAL:
                    return

    def children(self) -> list[ChildRun]:
        """The runs that the step's tasks have started (``subflow=``), by task and attempt.

        Each is a run of its own: ``client.get_<flow>(child.run_id)`` follows it. Raises what the
        database says.
        """
        return list_children(self._run._watcher, self._run.run_id, self.step_slug)

    def on(self, event: StepEventName, handler: EventHandler) -> Callable[[], None]:
        """Call ``handler`` with the step's events, also with those that have happened already.

        Returns a function that ends it; it ends by itself after the run's end.
        """

        def is_wanted(found: Event) -> bool:
            if isinstance(found, _RUN_EVENTS) or found.step_slug != self.step_slug:
                return False
            return event in ("*", found.status)

        return subscribe(self._run._watcher, self._run._feed, handler, is_wanted)

    def _is_enough(self, run: RunSnapshot, awaited: tuple[str, ...]) -> bool:
        if run.steps is None:
            return False
        step = run.steps.get(self.step_slug)
        return run.is_final or step is None or step.is_final or step.status in awaited
