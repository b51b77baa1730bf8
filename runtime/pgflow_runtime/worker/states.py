"""The life of a worker: created, starting, running, perhaps deprecated, stopping, stopped."""

from __future__ import annotations

from enum import StrEnum

from pgflow_runtime.errors import UsageError


class State(StrEnum):
    CREATED = "created"
    STARTING = "starting"
    RUNNING = "running"
    DEPRECATED = "deprecated"
    STOPPING = "stopping"
    STOPPED = "stopped"


_NEXT: dict[State, frozenset[State]] = {
    State.CREATED: frozenset({State.STARTING}),
    State.STARTING: frozenset({State.RUNNING, State.STOPPING, State.STOPPED}),
    State.RUNNING: frozenset({State.DEPRECATED, State.STOPPING}),
    State.DEPRECATED: frozenset({State.STOPPING}),
    State.STOPPING: frozenset({State.STOPPED}),
    State.STOPPED: frozenset(),
}


class Lifecycle:
    """Where a worker stands; moves forward only."""

    def __init__(self) -> None:
        self.state = State.CREATED

    def move(self, to: State) -> None:
        """Enter a state.

        Raises:
            UsageError: the state cannot follow the present one; a worker is started once.
        """
        if to not in _NEXT[self.state]:
            raise UsageError(
                f"a worker that is {self.state} cannot become {to}",
                help="a worker starts once; make a new one to run again",
            )
        self.state = to
