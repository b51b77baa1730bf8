"""All checks in order; what a check may not see, or takes too long for, is a finding of its own."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from typing import Final, TypeAlias

import psycopg
from psycopg import errors as pg

from pgflow_runtime.database import DOCTOR, connect
from pgflow_runtime.database.store import from_psycopg, text_of, translated
from pgflow_runtime.doctor.bloat import check_bloat, check_size
from pgflow_runtime.doctor.connections import check_budget, check_use
from pgflow_runtime.doctor.core import check_core, check_core_migrations
from pgflow_runtime.doctor.finding import Finding, Severity, problem, unseen
from pgflow_runtime.doctor.flows import check_flow_migrations, check_flow_shapes, check_foreign_flows
from pgflow_runtime.doctor.inspection import Inspection
from pgflow_runtime.doctor.orphans import check_orphans
from pgflow_runtime.doctor.queue import check_pgmq, check_queues
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
    ("runs.open", check_open_runs),
    ("runs.stuck", check_stuck_runs),
    ("runs.orphans", check_orphans),
    ("runs.lost-waits", check_lost_waits),
    ("runs.overdue", check_tasks),
    ("runs.backlog", check_queued),
    ("timers.late", check_timers),
    ("runs.held", check_holds),
    ("signals.waiting", check_signals),
    ("schedules.paused", check_schedules),
    ("undos.failed", check_undos),
    ("bloat.dead-rows", check_bloat),
    ("bloat.size", check_size),
)
"""What needs the core of this version; ``unseen`` findings carry the code beside the check."""


def examine(conninfo: str, project: Project, env: Mapping[str, str] = os.environ) -> list[Finding]:
    """Look at everything. A database that cannot be reached is a finding; nothing is changed.

    Raises PgflowError for a project or options that cannot be read.
    """
    try:
        with (
            translated(conninfo),
            connect(conninfo, DOCTOR) as connection,
        ):
            return _examine(Inspection(connection, project, env))
    except ConnectionFailed as error:
        return [problem("server.reach", error.message, error.help or "start the server, or name another one")]


def _examine(inspection: Inspection) -> list[Finding]:
    found: list[Finding] = []
    for code, check in _ALWAYS:
        found += _run(code, check, inspection)
    is_whole = not any(
        item.severity is Severity.problem and item.code.startswith(("core.", "pgmq.")) for item in found
    )
    for code, check in _WITH_CORE if is_whole else ():
        found += _run(code, check, inspection)
    return found


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
    except psycopg.Error as error:
        failure = from_psycopg(error)
        if isinstance(failure, ConnectionFailed):
            raise failure from error
        found.append(problem(code, failure.message, failure.help or "report this, please"))
    except ProjectError as error:
        found.append(problem(code, error.message, error.help or "correct the project"))
    return found
