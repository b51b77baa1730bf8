"""Several worker processes of one lab, and what can happen to them.

A killed or frozen worker counts as dead once it has not been heard of for 30 s. Tests do not wait for that:
they move its last sign of life into the past, and whichever worker beats next takes its tasks away.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.support.worker_lab import Lab, WorkerProcess


@dataclass
class Crew:
    """Workers by name; a dead one's place is taken by a new one under a new name."""

    lab: Lab
    flows: Sequence[str]
    options: Mapping[str, str]
    workers: dict[str, WorkerProcess] = field(default_factory=dict)
    gone: list[WorkerProcess] = field(default_factory=list)
    frozen: dict[str, WorkerProcess] = field(default_factory=dict)
    _count: int = 0

    def hire(
        self,
        *,
        prefix: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
        lab: Lab | None = None,
    ) -> str:
        """Start one more worker, without waiting for it; returns its name."""
        self._count += 1
        name = f"crew-{self._count}"
        self.workers[name] = WorkerProcess.launch(
            lab or self.lab,
            self.flows,
            {**self.options, "name": name},
            prefix=prefix,
            environment=environment,
        )
        return name

    def kill(self, name: str, *, noticed: bool = True) -> None:
        """kill -9; ``noticed``: its silence counts as half a minute long at once."""
        worker = self.workers.pop(name)
        worker.clear_away()
        self.gone.append(worker)
        if noticed:
            self.silence(name)

    def freeze(self, name: str) -> None:
        """Stop a worker in its tracks; it counts as dead but is not."""
        worker = self.workers.pop(name)
        worker.signal(signal.SIGSTOP)
        self.frozen[name] = worker
        self.silence(name)

    def thaw(self) -> None:
        """Frozen workers go on, with results in their hands that nobody wants any more."""
        for name, worker in self.frozen.items():
            worker.signal(signal.SIGCONT)
            self.workers[name] = worker
        self.frozen.clear()

    def silence(self, name: str) -> None:
        self.lab.silence("function_name = %s", name)

    def until_serving(self) -> None:
        for worker in self.workers.values():
            worker.until_serving()

    def stop(self) -> None:
        """SIGTERM to all; each must end with 0 and without a traceback."""
        self.until_serving()
        for worker in self.workers.values():
            worker.signal()
        for worker in self.workers.values():
            assert worker.exit_code() == 0, worker.log

    def clear_away(self) -> None:
        for worker in [*self.workers.values(), *self.frozen.values()]:
            worker.clear_away()

    @property
    def logs(self) -> str:
        return "\n".join(worker.log for worker in [*self.workers.values(), *self.frozen.values(), *self.gone])


@contextmanager
def crew(lab: Lab, size: int, *flows: str, **options: str) -> Iterator[Crew]:
    """``size`` serving workers; whatever is left of them at the end is killed."""
    found = Crew(lab, flows, options)
    try:
        for _ in range(size):
            found.hire()
        found.until_serving()
        yield found
    finally:
        found.clear_away()
