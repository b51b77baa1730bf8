"""What runs on a Dask cluster: in its workers the tasks, and in its scheduler who has begun which."""

from __future__ import annotations

from typing import Any, Final

from distributed import Scheduler, SchedulerPlugin, WorkerPlugin, get_worker
from distributed.utils import sync

from pgflow_runtime.worker.executors.ending import Ending, HandlerEnded
from pgflow_runtime.worker.executors.packed import PackedResult, PackedTask
from pgflow_runtime.worker.executors.there import run_packed

BEGUN: Final = "pgflow-begun"
"""The topic under which clients hear the keys of their tasks that are begun."""
LOST: Final = "pgflow-lost"
"""And of those that are lost with the worker that had begun them: each with its address."""
_PLUGIN: Final = "pgflow"
_running: dict[str, Ending] = {}
"""By their keys, the tasks that this process is at."""


class NotHere(Exception):
    """This worker is not to run the task: it was given to another one, or nobody waits for it any more."""


def run_once(task: PackedTask) -> PackedResult:
    """Run a task in a thread of a Dask worker, unless another has begun it. Raises NotHere."""
    worker = get_worker()
    key = str(worker.get_current_task())
    ending = _running[key] = Ending()
    try:
        if not sync(worker.loop, worker.scheduler.pgflow_begin, key=key, worker=worker.address):
            raise NotHere
        return run_packed(task, ending=ending)
    except HandlerEnded:
        raise NotHere from None
    finally:
        del _running[key]


class EndsHandlers(WorkerPlugin):
    """Ends the handler of a task that nobody waits for any more; Dask would let it go on."""

    name = _PLUGIN

    def transition(self, key: Any, start: str, finish: str, **_: Any) -> None:
        """Dask calls it in the worker's event loop."""
        if start in ("executing", "long-running") and finish == "released" and key in _running:
            _running[key].end("nobody waits for it any more")


class BeginsOnce(SchedulerPlugin):
    """Knows which worker has begun which task. What a worker that is lost had begun is cancelled.

    Dask itself would run it again somewhere else, three times, and say nothing. What a lost worker had not
    begun goes to another one.
    """

    name = _PLUGIN
    idempotent = True

    async def start(self, scheduler: Scheduler) -> None:
        """Dask calls it once."""
        self._scheduler = scheduler
        self._begun: dict[Any, str] = {}
        scheduler.handlers["pgflow_begin"] = self.begin

    def begin(self, key: str, worker: str) -> bool:
        """A worker asks whether it may begin a task; who waits for it hears so."""
        state = self._scheduler.tasks.get(key)
        if state is None or state.processing_on is None or state.processing_on.address != worker:
            return False
        if self._begun.setdefault(key, worker) != worker:
            return False
        self._tell(state, BEGUN, key)
        return True

    def transition(self, key: Any, start: str, finish: str, *args: Any, **kwargs: Any) -> None:
        """Dask calls it for each task."""
        if finish == "forgotten":
            self._begun.pop(key, None)

    def remove_worker(self, scheduler: Scheduler, worker: str, **kwargs: Any) -> None:
        """Dask calls it when a worker is lost or leaves, and has given all of its tasks to others already."""
        for key in [key for key, begun_by in self._begun.items() if begun_by == worker]:
            state = scheduler.tasks.get(key)
            if state is None:
                continue
            self._tell(state, LOST, (key, worker))
            for client in list(state.who_wants or ()):
                scheduler.stimulus_cancel(
                    [key], client=client.client_key, force=True, reason=LOST, msg=worker
                )

    def _tell(self, state: Any, topic: str, event: object) -> None:
        """Tell who waits for a task."""
        for client in state.who_wants or ():
            self._scheduler.client_send(client.client_key, {"op": "event", "topic": topic, "event": event})
