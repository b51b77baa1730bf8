"""All checks in order; what a check may not see, or takes too long for, is a finding of its own."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Final, TypeAlias

import psycopg
from psycopg import errors as pg

from pgflow_runtime.database import DOCTOR, connect
from pgflow_runtime.database.dsn import ReadDsn
from pgflow_runtime.database.store import from_psycopg, text_of, translated
from pgflow_runtime.doctor.bloat import check_bloat, check_size
from pgflow_runtime.doctor.connections import check_budget, check_use
from pgflow_runtime.doctor.core import check_core, check_core_migrations
from pgflow_runtime.doctor.finding import Finding, Severity, problem, unseen
from pgflow_runtime.doctor.flows import check_flow_migrations, check_flow_shapes, check_foreign_flows
from pgflow_runtime.doctor.inspection import Inspection
from pgflow_runtime.doctor.orphans import check_orphans
from pgflow_runtime.doctor.queue import check_pgmq, check_queues
from pgflow_runtime.doctor.replica import check_lag, check_place
from pgflow_runtime.doctor.runs import (
    check_lost_waits,
    check_open_runs,
    check_queued,
    check_stuck_runs,
    check_tasks,
)
from pgflow_runtime.doctor.schedules import check_schedules
from pgflow_runtime.doctor.server import check_server
from pgflow_runtime.doctor.settings import check_settings, check_slots, check_transactions
from pgflow_runtime.doctor.waits import check_holds, check_signals, check_timers, check_undos
from pgflow_runtime.doctor.workers import check_workers
from pgflow_runtime.errors import ConnectionFailed, ProjectError
from pgflow_runtime.project import Project

Check: TypeAlias = Callable[[Inspection], Iterator[Finding]]

_ALWAYS: Final[tuple[tuple[str, Check], ...]] = (
    ("server.version", check_server),
    ("settings.durability", check_settings),
    ("settings.transactions", check_transactions),
    ("settings.slots", check_slots),
    ("connections.use", check_use),
    ("pgmq.schema", check_pgmq),
    ("core.version", check_core),
)
_WITH_CORE: Final[tuple[tuple[str, Check], ...]] = (
    ("core.migrations", check_core_migrations),
    ("pgmq.queue", check_queues),
    ("flows.migrations", check_flow_migrations),
    ("flows.shape", check_flow_shapes),
    ("flows.foreign", check_foreign_flows),
    ("workers.none", check_workers),
    ("connections.budget", check_budget),
    ("schedules.paused", check_schedules),
)
"""What needs the core of this version; ``unseen`` findings carry the code beside the check."""
_RUNS: Final[tuple[tuple[str, Check], ...]] = (
    ("runs.open", check_open_runs),
    ("runs.stuck", check_stuck_runs),
    ("runs.orphans", check_orphans),
    ("runs.lost-waits", check_lost_waits),
    ("runs.overdue", check_tasks),
    ("runs.backlog", check_queued),
    ("timers.late", check_timers),
    ("runs.held", check_holds),
    ("signals.waiting", check_signals),
    ("undos.failed", check_undos),
)
"""What takes time where there are many runs, and is read from a replica where there is one."""
_TIMELY: Final = frozenset({"runs.overdue", "runs.backlog", "timers.late"})
"""Of these, what judges by the clock: a replica that is far behind would tell of what was done long ago."""
_TABLES: Final[tuple[tuple[str, Check], ...]] = (
    ("bloat.dead-rows", check_bloat),
    ("bloat.size", check_size),
)
"""The counts of a server's own, which its replicas do not have."""


def examine(
    conninfo: str, project: Project, env: Mapping[str, str] = os.environ, read: ReadDsn | None = None
) -> list[Finding]:
    """Look at everything. A database that cannot be reached is a finding; nothing is changed.

    ``read`` names a replica, from which runs are read. Raises PgflowError for a project or options that
    cannot be read.
    """
    if read is not None:
        return _examine_both(conninfo, read, project, env)
    try:
        with _inspection(conninfo, project, env) as inspection:
            found = _run_all(_ALWAYS, inspection)
            return found + _run_all((*_WITH_CORE, *_RUNS, *_TABLES) if _is_whole(found) else (), inspection)
    except ConnectionFailed as error:
        return [_unreached(error)]


def _examine_both(conninfo: str, read: ReadDsn, project: Project, env: Mapping[str, str]) -> list[Finding]:
    """Runs by the replica, all else by the primary; each goes on without the other."""
    found: list[Finding] = []
    with ExitStack() as open:
        primary = None
        try:
            primary = open.enter_context(_inspection(conninfo, project, env))
            found += _run_all(_ALWAYS, primary)
            found += _run_all((*_WITH_CORE, *_TABLES) if _is_whole(found) else (), primary)
        except ConnectionFailed as error:
            primary = None
            found.append(_unreached(error))
        try:
            replica = open.enter_context(_inspection(read.conninfo, project, env))
            found += _examine_replica(primary, replica, read.source, is_whole=_is_whole(found))
        except ConnectionFailed as error:
            message = f"the replica that {read.source} names: {error.message}; runs were not looked at"
            found.append(problem("replica.reach", message, f"start it, or leave {read.source} out"))
    return found


def _examine_replica(
    primary: Inspection | None, replica: Inspection, source: str, *, is_whole: bool
) -> list[Finding]:
    """What the replica is like and, where it is one and the core is sound, its runs."""
    found: list[Finding] = []
    if primary is not None:
        found += _run("replica.place", partial(check_place, primary, source=source), replica)
        if any(item.severity is Severity.problem for item in found):
            return found
    else:
        found += _run("core.version", check_core, replica)
    if not any(item.code == "replica.place" for item in found):  # else it is the same server
        found += _run("replica.lag", partial(check_lag, primary), replica)
    if not (is_whole and _is_whole(found)):
        return found
    is_late = any(item.code == "replica.lag" and item.severity is Severity.warning for item in found)
    for code, check in _RUNS:
        if is_late and code in _TIMELY:
            found.append(unseen(code, "the replica is too far behind to tell", "look without the replica"))
        else:
            found += _run(code, check, replica)
    return found


@contextmanager
def _inspection(conninfo: str, project: Project, env: Mapping[str, str]) -> Iterator[Inspection]:
    """Raises ConnectionFailed."""
    with translated(conninfo), connect(conninfo, DOCTOR) as connection:
        yield Inspection(connection, project, env)


def _is_whole(found: Sequence[Finding]) -> bool:
    """Whether nothing is wrong with core and queue, on which all other checks rely."""
    return not any(
        item.severity is Severity.problem and item.code.startswith(("core.", "pgmq.")) for item in found
    )


def _unreached(error: ConnectionFailed) -> Finding:
    return problem("server.reach", error.message, error.help or "start the server, or name another one")


def _run_all(checks: Sequence[tuple[str, Check]], inspection: Inspection) -> list[Finding]:
    return [finding for code, check in checks for finding in _run(code, check, inspection)]


def _run(code: str, check: Check, inspection: Inspection) -> list[Finding]:
    """A check's findings, as far as it came."""
    found: list[Finding] = []
    try:
        found.extend(check(inspection))
    except pg.InsufficientPrivilege as error:
        who = "a member of pgflow_owner sees it"
        found.append(unseen(code, f"not for this user: {text_of(error)}", who))
    except pg.QueryCanceled:
        found.append(
            unseen(
                code,
                f"looking took longer than {DOCTOR.settings['statement_timeout']}",
                "look again in a quieter hour",
            )
        )
    except pg.SerializationFailure as error:  # a standby's replay does not wait for readers for ever
        found.append(unseen(code, f"the server gave this up: {text_of(error)}", "look again"))
    except psycopg.Error as error:
        failure = from_psycopg(error)
        if isinstance(failure, ConnectionFailed):
            raise failure from error
        found.append(problem(code, failure.message, failure.help or "report this, please"))
    except ProjectError as error:
        found.append(problem(code, error.message, error.help or "correct the project"))
    return found
