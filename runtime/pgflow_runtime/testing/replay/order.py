"""In which order a recorded run's tasks ended, as far as that decided what became of it."""

from __future__ import annotations

from datetime import datetime

from pgflow_runtime.database.moments import EARLIEST, read_moment
from pgflow_runtime.testing.engine.clock import TaskKey
from pgflow_runtime.testing.recordings.reading import RecordedStep, Recording

WAIT = -1
"""In the place of a task's index: a step that waits, and has none."""


def order_of(recording: Recording) -> dict[TaskKey, int]:
    """Each task that ended and counted, with its place.

    What failed the run comes last: whatever completed was accepted before it. Failures that were reported
    after the run had failed counted no more.
    """
    slug, index = recording.culprit
    culprit = (slug, WAIT if index is None else index)
    places: dict[TaskKey, tuple[bool, datetime, bool]] = {}
    for slug, step in recording.steps.items():
        if step.kind in ("signal", "sleep") and _ended_by_itself(step):
            key = (slug, WAIT)
            places[key] = (key == culprit, _time(step.ended_at), step.status != "completed")
        for index, task in step.tasks.items():
            key = (slug, index)
            is_culprit = key == culprit
            if task.status == "completed":
                places[key] = (False, _time(task.ended_at), False)
            elif task.status == "failed" and (is_culprit or step.status == "skipped"):
                places[key] = (is_culprit, _end(step), True)
    return {key: place for place, key in enumerate(sorted(places, key=lambda each: (places[each], each)))}


def _ended_by_itself(step: RecordedStep) -> bool:
    """Not by what became of the steps before it."""
    return step.status in ("completed", "failed") or step.skip_reason == "timed_out"


def _end(step: RecordedStep) -> datetime:
    times = [_time(task.ended_at) for task in step.tasks.values()]
    return max([_time(step.ended_at), *times])


def _time(text: str | None) -> datetime:
    return read_moment(text) if text is not None else EARLIEST
