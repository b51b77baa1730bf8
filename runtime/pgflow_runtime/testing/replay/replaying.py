"""Recorded runs, followed one after the other, and what came of each."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from pgflow_runtime.dsl import Flow
from pgflow_runtime.errors import CascadeLimit, PgflowError, UsageError
from pgflow_runtime.testing.engine.model import Cascade
from pgflow_runtime.testing.given import Given, world_of
from pgflow_runtime.testing.recordings.reading import Recording
from pgflow_runtime.testing.replay.differences import Difference, error_in_words
from pgflow_runtime.testing.replay.replayed_run import Manner
from pgflow_runtime.testing.start import follow
from pgflow_shared.text import closest

Verdict: TypeAlias = Literal["as recorded", "differs", "not replayed"]

_NUMBER = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9]+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Replay:
    """What came of one recorded run. ``why``: why it could not be followed at all."""

    recording: Recording
    called: int = 0
    differences: tuple[Difference, ...] = ()
    passed_over: dict[str, str] = field(default_factory=dict)
    status: str | None = None
    error: str | None = None
    events: tuple[str, ...] = ()
    why: str | None = None

    @property
    def verdict(self) -> Verdict:
        if self.differences:
            return "differs"
        return "as recorded" if self.called else "not replayed"

    @property
    def failure(self) -> str | None:
        """What failed the recorded run, in words that failures of one kind have in common."""
        if self.recording.status != "failed":
            return None
        slug, _ = self.recording.culprit
        where = ".".join(filter(None, (self.recording.flow_slug, slug)))
        return f"{where}: {_NUMBER.sub('#', error_in_words(self.recording.error))}"


async def replay(
    recording: Recording, find: Callable[[str], Flow[Any]], steps: Collection[str] = ()
) -> Replay:
    """Call today's handlers for what had ended in a recorded run, or only those of some ``steps``.

    ``find`` gives the flow of a slug in the database. What it, or reading the flow, refuses becomes ``why``.

    Raises:
        UsageError: the flow has no such step.
    """
    try:
        flow = find(recording.flow_slug)
        manner = Manner(steps or None, goes_on=False, spares_connections=True)
        run = follow(world_of(flow, Given()), recording, manner)
    except PgflowError as error:
        return Replay(recording, why=str(error))
    except Cascade:
        return Replay(recording, why=str(CascadeLimit()))
    _require_steps(steps, recording, flow)
    await run.work()
    return Replay(
        recording,
        called=len(run.called),
        differences=run.differences,
        passed_over={_place(key, recording): why for key, why in run.passed_over.items()},
        status=run.status,
        error=run.error,
        events=run.events,
    )


def _place(key: tuple[str, int], recording: Recording) -> str:
    slug, index = key
    return f"{slug}[{index}]" if recording.steps[slug].type == "map" else slug


def _require_steps(steps: Collection[str], recording: Recording, flow: Flow[Any]) -> None:
    for slug in steps:
        if slug not in recording.steps:
            close = closest(slug, recording.steps)
            raise UsageError(
                f"flow {flow.db_slug!r} has no step {slug!r}",
                help=f"did you mean {close!r}?" if close else f"it has {', '.join(recording.steps)}",
            )
