"""The base of generated clients: connects, starts runs, finds runs."""

from __future__ import annotations

import json
import weakref
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar, LiteralString, TypeVar, Unpack
from uuid import UUID

from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from pgflow_runtime.client._async.control import RunFilter, control, control_where, count_where
from pgflow_runtime.client._async.feed import AsyncFeed
from pgflow_runtime.client._async.run import AsyncRun
from pgflow_runtime.client._async.signals import list_waiting, send_by_key, send_signal
from pgflow_runtime.client._async.transaction import rows_on
from pgflow_runtime.client._async.watcher import AsyncWatcher
from pgflow_runtime.client.checking import aafter_fork, aborrow, keep_inherited
from pgflow_runtime.client.concurrency import asleep
from pgflow_runtime.client.connecting import AsyncConnectable, ClientOptions
from pgflow_runtime.client.schedule_input import schedule_arguments
from pgflow_runtime.client.tokens import read_token
from pgflow_runtime.client.uuid7 import uuid7
from pgflow_runtime.contract import FlowContract
from pgflow_runtime.contract.shape import differences
from pgflow_runtime.database import CLIENT, aconnect, amake_pool, queries
from pgflow_runtime.database.arrays import plain
from pgflow_runtime.database.arrays import texts as literals
from pgflow_runtime.database.store import Patience, check_core_version, translated
from pgflow_runtime.errors import (
    ClientClosed,
    InvalidInput,
    PgflowError,
    RunNotFound,
    ShapeMismatch,
    UsageError,
    WrongFlow,
)
from pgflow_runtime.runs.schedules import ScheduleInfo
from pgflow_runtime.runs.signals import SignalOutcome, WaitingSignal
from pgflow_runtime.runs.snapshot import RunSnapshot
from pgflow_runtime.telemetry import started_runs
from pgflow_shared.structure import structure_hash

RunT = TypeVar("RunT", bound=AsyncRun[Any])


class AsyncClientBase(AsyncConnectable):
    """A connection pool and the runs somebody holds. Generated clients add ``start_<flow>`` and so on."""

    signal_runs: ClassVar[Sequence[type[AsyncRun[Any]]]] = ()
    """The runs of flows that have signals; generated clients name them."""

    def __init__(self, conninfo: str, options: ClientOptions) -> None:
        self._conninfo = conninfo
        self._options = options
        self._pool = self._make_pool()
        self._patience = options.connect_timeout
        self._compared: set[str] = set()
        self._watcher = AsyncWatcher(self._pool, conninfo, poll_only=options.poll_only)
        self._feeds: weakref.WeakValueDictionary[UUID, AsyncFeed] = weakref.WeakValueDictionary()

    def _make_pool(self) -> AsyncConnectionPool[AsyncConnection[Any]]:
        return amake_pool(
            self._conninfo,
            CLIENT,
            min_size=1,
            max_size=self._options.max_connections,
            prepare_threshold=None if self._options.poll_only else 5,
            timeout=self._options.connect_timeout,
            name="pgflow-client",
        )

    def forked(self) -> None:
        """In a forked child: neither connections nor threads came along, and the parent keeps its own."""
        keep_inherited(self._pool)
        self._pool = aafter_fork(self._make_pool())
        self._watcher.renew(self._pool)
        for feed in list(self._feeds.values()):
            feed.renew()

    async def _open(self) -> None:
        """Look whether the database can be reached and holds the right core, then open the pool."""
        with translated(self._conninfo):
            connection = await aconnect(self._conninfo, CLIENT)
            async with connection:
                cursor = await connection.execute(queries.CORE_VERSION)
                row = await cursor.fetchone()
            check_core_version(*row if row is not None else (0, 0))
            await self._pool.open()

    async def _close(self) -> None:
        await self._watcher.close()
        await self._pool.close()

    async def dispose(self, run_id: UUID) -> None:
        """Forget a run: whoever still waits for it gets ClientClosed. The run itself goes on."""
        feed = self._feeds.pop(run_id, None)
        if feed is not None:
            feed.fail(ClientClosed(f"run {run_id} was disposed of while it was being waited for"))

    async def dispose_all(self) -> None:
        """``dispose`` every run."""
        for run_id in list(self._feeds):
            await self.dispose(run_id)

    async def _start(
        self,
        run_type: type[RunT],
        input: object,
        run_id: UUID | None,
        start_at: datetime | None = None,
        conn: AsyncConnection[Any] | None = None,
    ) -> RunT:
        run_ids = None if run_id is None else [run_id]
        runs = await self._start_many(run_type, [input], run_ids, start_at, conn)
        return runs[0]

    async def _start_many(
        self,
        run_type: type[RunT],
        inputs: Sequence[object],
        run_ids: Sequence[UUID] | None,
        start_at: datetime | None = None,
        conn: AsyncConnection[Any] | None = None,
    ) -> list[RunT]:
        """Start runs in one round trip, all or none, in the order of the inputs.

        Args:
            start_at: when they are to begin, an aware datetime; None: at once. Until then they can be looked
                at and cancelled.
            conn: a connection in a transaction of the caller's: the runs are there exactly if it commits.
                They can be waited for from then on.

        Raises InvalidInput before anything is sent, RunConflict, UnknownFlow, ConnectionFailed.
        """
        contract = run_type.contract
        texts = _encode_all(contract, inputs)
        ids = [uuid7() for _ in inputs] if run_ids is None else list(run_ids)
        if len(ids) != len(inputs):
            raise UsageError(f"{len(inputs)} inputs but {len(ids)} run ids were given")
        if not inputs:
            return []
        await self._compare(contract)
        with started_runs(contract.slug, ids) as trace_context:
            options = _start_options(start_at)
            values = (contract.slug, literals(texts), plain(ids), trace_context, plain([len(ids)]), options)
            rows = await self._start_rows(values, conn)
        found = zip(ids, texts, rows, strict=True)
        return [
            self._run_of(run_type, RunSnapshot.started(run_id, contract.slug, text, row))
            for run_id, text, row in found
        ]

    async def _compare(self, contract: FlowContract) -> None:
        """Once per flow: see that the database's flow is the one this client was generated for."""
        if contract.slug in self._compared:
            return
        row = await self._watcher.fetch_one(queries.GET_STRUCTURE, {"flow_slug": contract.slug})
        if row is None or row[0] is None:
            return  # starting it will say so
        if structure_hash(row[0]) != contract.structure_hash:
            raise ShapeMismatch(
                f"flow '{contract.slug}' in the database is not the one this client was generated for:"
                f" {differences(row[0], contract.structure)}",
                help="run `pgflow-gen build` and `pgflow-gen migrate`, and deploy the generated folder anew",
            )
        self._compared.add(contract.slug)

    async def _start_rows(
        self, values: Sequence[object], conn: AsyncConnection[Any] | None
    ) -> list[tuple[Any, ...]]:
        """Start, again and again while what refuses it passes: the ids in ``values`` make that safe.

        On the caller's connection once: after an error its transaction goes nowhere.
        """
        if conn is not None:
            return await rows_on(conn, queries.START_FLOWS, values)
        patience = Patience(self._patience)
        while True:
            try:
                with translated(self._conninfo):
                    async with aborrow(self._pool) as connection:
                        cursor = await connection.execute(queries.START_FLOWS, values)
                        return await cursor.fetchall()
            except PgflowError as error:
                await asleep(patience.pause_after(error))

    async def send_by_token(
        self,
        token: str,
        payload: object,
        *,
        dedupe: str | None = None,
        conn: AsyncConnection[Any] | None = None,
    ) -> SignalOutcome:
        """Send what the bearer of a token may: to the run and signal that it was made for.

        Args:
            payload: judged by the signal's type.

        Returns:
            ``taken``, ``kept``, ``late``, ``duplicate`` or ``full``.

        Raises:
            InvalidToken: it is none of ours, was changed, or has expired.
            UsageError: PGFLOW_SIGNAL_KEY is not set, or no flow of this client is meant.
            InvalidInput, RunNotFound.
        """
        claims = read_token(token)
        known = [run_type.contract for run_type in self.signal_runs]
        contract = next((found for found in known if found.slug == claims.flow_slug), None)
        if contract is None:
            raise UsageError(f"the token is for flow '{claims.flow_slug}', which this client does not know")
        text = contract.signal(claims.step_slug).encode_payload(payload)
        return await send_signal(self._watcher, claims.run_id, claims.step_slug, text, dedupe, conn)

    async def _send_by_key(
        self,
        run_type: type[AsyncRun[Any]],
        step_slug: str,
        key: str | int | UUID,
        payload: object,
        dedupe: str | None = None,
        conn: AsyncConnection[Any] | None = None,
    ) -> dict[UUID, SignalOutcome]:
        """Send a signal to all started runs of a flow, in whatever version, whose input has that key.

        Raises InvalidInput before anything is sent, UnknownFlow, OddArgument.
        """
        contract = run_type.contract
        values = {
            "flow_slug": contract.slug,
            "step_slug": step_slug,
            "key": str(key),
            "payload": contract.signal(step_slug).encode_payload(payload),
            "dedupe": dedupe,
        }
        return await send_by_key(self._watcher, values, conn)

    async def _waiting_for(
        self, run_type: type[AsyncRun[Any]], step_slug: str, max_count: int = 1000
    ) -> list[WaitingSignal]:
        """The runs of a flow that wait for a signal, those that wait longest first."""
        return await list_waiting(self._watcher, run_type.contract.slug, step_slug, max_count)

    async def list_waiting_signals(self, max_count: int = 1000) -> list[WaitingSignal]:
        """Whoever waits for somebody, in any flow, those that wait longest first.

        Raises PermissionDenied, ConnectionFailed.
        """
        return await list_waiting(self._watcher, None, None, max_count)

    async def _create_schedule(
        self, run_type: type[AsyncRun[Any]], slug: str, input: object, options: Mapping[str, Any]
    ) -> None:
        """Start runs of a flow by the clock, or change when and how. It belongs to all versions of the flow.

        Args:
            input: of each run; ``FIRE_DATE`` and ``FIRE_TIME`` of ``pgflow_runtime`` may stand in it.

        Raises InvalidInput before anything is sent, UsageError, UnknownFlow, OddArgument, PermissionDenied
        (it takes the role pgflow_operator).
        """
        contract = run_type.contract
        spec, stored = schedule_arguments(contract, input, options)
        values = {
            "flow_slug": contract.slug,
            "schedule_slug": slug,
            "spec": json.dumps(spec),
            "input": json.dumps(stored),
        }
        await self._watcher.fetch_one(queries.CREATE_SCHEDULE, values)

    async def list_schedules(self, flow_slug: str | None = None) -> list[ScheduleInfo]:
        """The schedules of a flow, or of all flows. Raises PermissionDenied, ConnectionFailed."""
        rows = await self._watcher.fetch_all(queries.LIST_SCHEDULES, {"flow_slug": flow_slug})
        return [ScheduleInfo(*row) for row in rows]

    async def drop_schedule(self, flow_slug: str, schedule_slug: str) -> bool:
        """End a schedule that this version of its flow has; its runs go on. Returns whether there was one.

        One that stands in the code comes back with the flow's next migration. Raises as ``pause_schedule``.
        """
        return bool(await self._of_schedule(queries.DROP_SCHEDULE, flow_slug, schedule_slug))

    async def pause_schedule(self, flow_slug: str, schedule_slug: str) -> bool:
        """Let a schedule fire no more; what it misses is not caught up on. Returns whether that was news.

        Raises UnknownFlow where there is none, PermissionDenied (it takes the role pgflow_operator).
        """
        return bool(await self._of_schedule(queries.PAUSE_SCHEDULE, flow_slug, schedule_slug))

    async def resume_schedule(self, flow_slug: str, schedule_slug: str) -> bool:
        """Let a paused schedule fire again, from now on. As ``pause_schedule``."""
        return bool(await self._of_schedule(queries.RESUME_SCHEDULE, flow_slug, schedule_slug))

    async def fire_schedule(self, flow_slug: str, schedule_slug: str) -> UUID:
        """Start a run of a schedule now, whenever it fires next. Returns the run's id. Raises likewise."""
        run_id: UUID = await self._of_schedule(queries.FIRE_SCHEDULE, flow_slug, schedule_slug)
        return run_id

    async def _of_schedule(self, statement: LiteralString, flow_slug: str, schedule_slug: str) -> Any:
        values = {"flow_slug": flow_slug, "schedule_slug": schedule_slug, "actor": None}
        row = await self._watcher.fetch_one(statement, values)
        return None if row is None else row[0]

    async def cancel_runs(self, run_ids: Sequence[UUID], reason: str | None = None) -> dict[UUID, str]:
        """``AsyncRun.cancel`` for runs of any flow, at most 1,000 in one transaction.

        Returns:
            By run: ``cancelled``, ``already_cancelled``, ``already_completed``, ``already_failed`` or
            ``no_such_run``.

        Raises OddArgument for more than 1,000, PermissionDenied, ConnectionFailed.
        """
        return await control(self._watcher, queries.CANCEL_RUNS, run_ids, reason=reason)

    async def retry_runs(
        self, run_ids: Sequence[UUID], *, spread: float = 0.0, even_if_undone: bool = False
    ) -> dict[UUID, str]:
        """``AsyncRun.retry`` for runs of any flow, at most 1,000 in one transaction.

        Args:
            spread: seconds over which their tasks are spread at random, so that they do not all come at once.
            even_if_undone: also runs whose steps have been undone; they are not done again.

        Returns:
            By run: ``retried``, ``still_started``, ``already_completed``, ``no_such_run``...

        Raises OddArgument, PermissionDenied (it takes the role pgflow_operator), ConnectionFailed.
        """
        return await control(
            self._watcher, queries.RETRY_RUNS, run_ids, spread=spread, even_if_undone=even_if_undone
        )

    async def hold_runs(self, run_ids: Sequence[UUID]) -> dict[UUID, str]:
        """Begin nothing more of these runs until they are released; what runs already ends as always.

        Returns:
            By run: ``held``, ``already_held``, ``already_completed``... or ``no_such_run``.

        Raises as ``retry_runs``.
        """
        return await control(self._watcher, queries.HOLD_RUNS, run_ids)

    async def release_runs(self, run_ids: Sequence[UUID], *, spread: float = 0.0) -> dict[UUID, str]:
        """Let held runs go on. ``spread`` as in ``retry_runs``.

        Returns:
            By run: ``released``, ``not_held`` or ``no_such_run``.

        Raises as ``retry_runs``.
        """
        return await control(self._watcher, queries.RELEASE_RUNS, run_ids, spread=spread)

    async def count_runs_where(self, **filter: Unpack[RunFilter]) -> int:
        """How many runs fit a filter. Raises OddArgument, PermissionDenied, ConnectionFailed."""
        return await count_where(self._watcher, filter)

    async def cancel_runs_where(self, *, reason: str | None = None, **filter: Unpack[RunFilter]) -> int:
        """Cancel all runs that fit a filter, 1,000 in a transaction. Returns how many were cancelled.

        Raises OddArgument, PermissionDenied (it takes the role pgflow_operator), ConnectionFailed.
        """
        return await control_where(self._watcher, queries.CANCEL_WHERE, filter, reason=reason)

    async def retry_runs_where(self, *, spread: float = 0.0, **filter: Unpack[RunFilter]) -> int:
        """Retry all failed and cancelled runs that fit a filter, each once. As ``cancel_runs_where``."""
        return await control_where(self._watcher, queries.RETRY_WHERE, filter, spread=spread)

    async def hold_runs_where(self, **filter: Unpack[RunFilter]) -> int:
        """Hold all started runs that fit a filter. As ``cancel_runs_where``."""
        return await control_where(self._watcher, queries.HOLD_WHERE, filter)

    async def release_runs_where(self, *, spread: float = 0.0, **filter: Unpack[RunFilter]) -> int:
        """Release all held runs that fit a filter. As ``cancel_runs_where``."""
        return await control_where(self._watcher, queries.RELEASE_WHERE, filter, spread=spread)

    async def _fork(
        self, run_type: type[RunT], run_id: UUID, from_steps: Sequence[str], input: object = None
    ) -> RunT:
        """A new run that takes over what ``run_id`` has completed, but for ``from_steps`` and what follows.

        Raises RunNotFound, WrongFlow, InvalidInput, OddArgument (a reused step read another input...).
        """
        contract = run_type.contract
        text = None if input is None else _encode_all(contract, [input])[0]
        await self._get(run_type, run_id)  # raises for a run of another flow
        await self._compare(contract)
        new_run_id = uuid7()
        values = {
            "run_id": run_id,
            "from_steps": list(from_steps),
            "input": text,
            "new_run_id": new_run_id,
            "actor": None,
        }
        await self._watcher.fetch_one(queries.FORK_RUN, values)
        return await self._get(run_type, new_run_id)

    async def _get(self, run_type: type[RunT], run_id: UUID) -> RunT:
        """The run of an id. Raises RunNotFound, WrongFlow."""
        snapshot = await self._watcher.read(run_id)
        if snapshot is None:
            raise RunNotFound(f"there is no run {run_id} in this database")
        if snapshot.flow_slug != run_type.contract.slug:
            raise WrongFlow(run_id, run_type.contract.slug, snapshot.flow_slug)
        return self._run_of(run_type, snapshot)

    def _run_of(self, run_type: type[RunT], snapshot: RunSnapshot) -> RunT:
        """All runs of one id share what is known of it."""
        feed = self._feeds.get(snapshot.run_id)
        if feed is None or feed.error is not None or (feed.is_final and not snapshot.is_final):
            feed = AsyncFeed(snapshot, run_type.contract.dependencies, run_type.contract)
            self._feeds[snapshot.run_id] = feed
        elif snapshot.steps is not None:
            feed.apply(snapshot)
        return run_type(self._watcher, feed)


def _start_options(start_at: datetime | None) -> str:
    """What the core is told of a start, as JSON. Raises UsageError for a time without a zone."""
    if start_at is None:
        return "{}"
    if start_at.tzinfo is None:
        raise UsageError(
            f"start_at {start_at.isoformat()} has no time zone",
            help="give an aware datetime: datetime(2026, 3, 1, 12, tzinfo=UTC)",
        )
    return json.dumps({"begins_at": start_at.astimezone(UTC).isoformat()})


def _encode_all(contract: FlowContract, inputs: Sequence[object]) -> list[str]:
    texts: list[str] = []
    for index, value in enumerate(inputs):
        try:
            texts.append(contract.encode_input(value))
        except InvalidInput as error:
            if len(inputs) == 1:
                raise
            (path, reason), *others = [
                (path.replace("input", f"inputs[{index}]", 1), reason)
                for path, reason in ((error.path, error.reason), *error.others)
            ]
            raise InvalidInput(path, reason, help=error.help, others=others) from None
    return texts
