"""``run_flow`` and ``start_flow``: what a test writes."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from pgflow_runtime.dsl import Flow, Step
from pgflow_runtime.dsl.replacement import Replacement
from pgflow_runtime.dsl.waits import Sent
from pgflow_runtime.errors import CascadeLimit, UsageError
from pgflow_runtime.testing.attempt import GivenConnections
from pgflow_runtime.testing.engine.clock import Clock
from pgflow_runtime.testing.engine.model import Cascade
from pgflow_runtime.testing.engine.stored import Stored, store
from pgflow_runtime.testing.family import RunFamily
from pgflow_runtime.testing.flow_under_test import World
from pgflow_runtime.testing.given import Given, world_of
from pgflow_runtime.testing.memory_run import MemoryRun
from pgflow_runtime.testing.memory_schedules import MemorySchedules
from pgflow_runtime.testing.recordings.reading import Recording, read_recording
from pgflow_runtime.testing.replay.replayed_run import Manner, ReplayedRun

if TYPE_CHECKING:
    from psycopg import AsyncConnection, Connection

In = TypeVar("In")
"""A flow's input type. Beside a function, which no input is, mypy settles it by the flow, and so reads a
literal as the flow's TypedDict."""


def _no_input(_: Any) -> NoReturn:
    """Stands where no input is given."""
    raise NotImplementedError


async def run_flow(
    flow: Flow[In],
    input: In | Callable[[In], NoReturn] = _no_input,
    *,
    recorded: str | os.PathLike[str] | None = None,
    replace: Sequence[Replacement[Step[Any]]] = (),
    failures: Mapping[Step[Any], Sequence[BaseException | None]] | None = None,
    crash: Mapping[Step[Any], int] | None = None,
    signals: Sequence[Sent[Any]] = (),
    env: Mapping[str, str] | None = None,
    conn: Connection[Any] | None = None,
    aconn: AsyncConnection[Any] | None = None,
    supabase: Any = None,
    asupabase: Any = None,
) -> MemoryRun:
    """Run a flow to its end, in memory, by the rules of the SQL core. No database, no build, no waiting.

    Args:
        input: the run's input; it must fit the flow's input type.
        recorded: a file that ``pgflow-gen runs export`` wrote of one run, instead of an input. Each task that
            had ended is begun once, as its last attempt, in the order in which they ended. Handlers get what
            was recorded; ``run.differences`` says what they do otherwise today. What had not ended is done
            then, on today's values. The flow may have changed since.
        replace: what stands in for handlers: ``charge.returns(RECEIPT)``, ``charge.replaced(function)``.
        failures: for a step, what its first attempt raises instead of running the handler, its second, ...;
            None: that attempt runs. Of a map it is so for each task.
        crash: for a step, how many attempts of each task lose their worker after the handler has ended and
            before that is reported.
        signals: what is sent to the run: ``approval.sent({...}, after=10)``, 10 seconds after its start. A
            signal that is not listed is not sent: its step ends by its deadline, if it has one.
        env: ``ctx.env``; default: the process's environment.
        conn: what ``ctx.conn()`` gives; the test commits it or rolls it back.
        aconn: likewise for ``await ctx.aconn()``.
        supabase: what ``ctx.supabase`` is in flows of the preset; nothing real is made in memory.
        asupabase: likewise for ``ctx.asupabase``.

    Returns:
        The run, whichever way it ended.

    Raises:
        InvalidInput: the input does not fit; nothing was run.
        ProjectError: the flow has faults, or there is neither a compiler nor a contract that fits.
        UsageError: ``replace``, ``failures``, ``crash`` or ``signals`` name what is not of this flow;
            ``recorded`` is no recording of a run of it, or stands beside an input or attempts; nobody sends
            a signal that has no deadline.
    """
    run = await start_flow(
        flow,
        input,
        recorded=recorded,
        replace=replace,
        failures=failures,
        crash=crash,
        signals=signals,
        env=env,
        conn=conn,
        aconn=aconn,
        supabase=supabase,
        asupabase=asupabase,
    )
    await run.finish()
    return run


async def start_flow(
    flow: Flow[In],
    input: In | Callable[[In], NoReturn] = _no_input,
    *,
    recorded: str | os.PathLike[str] | None = None,
    replace: Sequence[Replacement[Step[Any]]] = (),
    failures: Mapping[Step[Any], Sequence[BaseException | None]] | None = None,
    crash: Mapping[Step[Any], int] | None = None,
    signals: Sequence[Sent[Any]] = (),
    env: Mapping[str, str] | None = None,
    conn: Connection[Any] | None = None,
    aconn: AsyncConnection[Any] | None = None,
    supabase: Any = None,
    asupabase: Any = None,
) -> MemoryRun:
    """A run to look at in between; nothing of it has been worked on yet. Otherwise like ``run_flow``."""
    connections = GivenConnections(conn, aconn, {"supabase": supabase, "asupabase": asupabase})
    world = world_of(flow, Given(replace, failures, crash, signals, env, connections))
    try:
        if recorded is not None:
            if input is not _no_input or failures or crash or signals:
                raise UsageError(
                    "recorded= brings its own input, attempts and signals: give no input, failures=,"
                    " crash= or signals="
                )
            return follow(world, read_recording(recorded))
        if input is _no_input:
            raise UsageError("a run has an input: run_flow(flow, input), or run_flow(flow, recorded=FILE)")
        text = world[flow.db_slug].contract.encode_input(input)
        return RunFamily(world, MemoryRun).start(flow.db_slug, store(text))
    except Cascade:
        raise CascadeLimit() from None


def follow(world: World, recording: Recording, manner: Manner | None = None) -> ReplayedRun:
    """A run of the first of the flows, or of a companion of it, that follows a recording; no end counts.

    Raises UsageError for a recording of another flow.
    """
    slug = next(iter(world))
    if recording.flow_slug not in (slug, *world[slug].contract.companions):
        raise UsageError(f"a run of flow {recording.flow_slug!r} was recorded, not one of {slug!r}")
    return ReplayedRun(RunFamily(world, MemoryRun, ends_count=False), recording, manner)


def start_schedules(
    flow: Flow[Any],
    *,
    at: datetime,
    replace: Sequence[Replacement[Step[Any]]] = (),
    failures: Mapping[Step[Any], Sequence[BaseException | None]] | None = None,
    crash: Mapping[Step[Any], int] | None = None,
    signals: Sequence[Sent[Any]] = (),
    env: Mapping[str, str] | None = None,
    conn: Connection[Any] | None = None,
    aconn: AsyncConnection[Any] | None = None,
) -> MemorySchedules:
    """The schedules of a flow, made at that moment, with a clock to move on; they fire as in the database.

    Args:
        at: the time on the wall to begin with; it has a zone.

    The others are as for ``run_flow``, and hold for each run that is started.

    Raises:
        ProjectError: the flow has faults, or there is neither a compiler nor a contract that fits.
        UsageError: the flow has no schedules; ``at`` has no zone; an argument names what is not of this flow.
    """
    if at.tzinfo is None:
        raise UsageError(f"at= is a time with a zone, not {at}", help="datetime(..., tzinfo=UTC)")
    world = world_of(flow, Given(replace, failures, crash, signals, env, GivenConnections(conn, aconn)))
    of_flow = world[flow.db_slug].contract.settings.get("schedules")
    if not of_flow:
        raise UsageError(f"flow {flow.db_slug!r} has no schedules")

    def start(input: Stored, moment: datetime) -> MemoryRun:
        return RunFamily(world, MemoryRun, Clock(epoch=moment.timestamp())).start(flow.db_slug, input)

    schedules = {slug: (each["spec"], store(json.dumps(each["input"]))) for slug, each in of_flow.items()}
    return MemorySchedules(schedules, at, start)
