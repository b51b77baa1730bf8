"""What the doctor says: a severity, a code that does not change, a sentence, and a way out."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final


class Severity(IntEnum):
    """Ordered by urgency. ``unseen`` is what this user may not look at, or what took too long."""

    ok = 0
    note = 1
    unseen = 2
    warning = 3
    problem = 4


CODES: Final = frozenset(
    {
        "server.reach", "server.version", "server.read-only", "server.encoding", "server.transaction-ids",
        "replica.reach", "replica.place", "replica.lag",
        "pgmq.schema", "pgmq.queue", "pgmq.unlogged",
        "core.schema", "core.trust", "core.version", "core.migrations",
        "flows.migrations", "flows.missing", "flows.shape", "flows.settings", "flows.foreign",
        "workers.none", "workers.dead", "workers.deprecated",
        "runs.open", "runs.stuck", "runs.orphans", "runs.lost-messages", "runs.lost-waits", "runs.stalled",
        "runs.overdue", "runs.backlog", "runs.held", "flows.paused", "timers.failing", "timers.late",
        "schedules.paused", "schedules.unserved", "signals.waiting", "undos.failed",
        "bloat.dead-rows", "bloat.hot", "bloat.size",
        "connections.use", "connections.budget",
        "settings.durability", "settings.autovacuum", "settings.transactions", "settings.slots",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. ``help`` says what to do; what is in order has none."""

    severity: Severity
    code: str
    message: str
    help: str | None = None

    def __post_init__(self) -> None:
        assert self.code in CODES, self.code


def ok(code: str, message: str) -> Finding:
    return Finding(Severity.ok, code, message)


def note(code: str, message: str, help: str | None = None) -> Finding:
    return Finding(Severity.note, code, message, help)


def unseen(code: str, message: str, help: str | None = None) -> Finding:
    return Finding(Severity.unseen, code, message, help)


def warning(code: str, message: str, help: str) -> Finding:
    return Finding(Severity.warning, code, message, help)


def problem(code: str, message: str, help: str) -> Finding:
    return Finding(Severity.problem, code, message, help)
