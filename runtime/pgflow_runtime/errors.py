"""Every failure the runtime reports, as one class each.

A class's docstring is its message when none is given, ``help`` is the way out. Errors raised by the SQL
core carry an SQLSTATE of class ``PF`` (specification/core.md, "Errors"), which ``BY_SQLSTATE`` maps to a
class.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID


class PgflowError(Exception):
    """Something went wrong in pgflow's runtime."""

    help: str | None = None

    def __init__(self, message: str | None = None, *, help: str | None = None) -> None:
        super().__init__(message or (type(self).__doc__ or "").strip().split("\n\n")[0])
        if help is not None:
            self.help = help

    @property
    def message(self) -> str:
        return str(self.args[0])

    def __reduce__(self) -> tuple[Any, ...]:
        """Errors cross process boundaries whatever their constructor asks for."""
        return _rebuilt, (type(self), self.args, dict(self.__dict__))


def _rebuilt(kind: type[PgflowError], args: tuple[Any, ...], state: dict[str, Any]) -> PgflowError:
    error = kind.__new__(kind)
    error.args = args
    error.__dict__.update(state)
    return error


# --- the project and what the user gave -------------------------------------------------------------


class ProjectError(PgflowError):
    """The project's configuration or its generated folder cannot be used."""


class UsageError(PgflowError):
    """A command or a call was given something it cannot use."""


class InvalidDsn(UsageError):
    """The connection string cannot be read."""

    help = "give a URL such as postgresql://user:password@host:5432/database"


class ValueRefused(PgflowError):
    """A value does not fit its type. ``path`` names the place in the value, as ``input.urls[3]``."""

    def __init__(self, path: str, reason: str, *, help: str | None = None) -> None:
        super().__init__(f"{path}: {reason}", help=help)
        self.path = path
        self.reason = reason


class InvalidInput(ValueRefused):
    """The input of a run, or a signal's payload, does not fit its type; nothing was sent to the database.

    ``path`` and ``reason`` are those of the first fault, ``others`` of the further ones; the message has all.
    """

    def __init__(
        self, path: str, reason: str, *, help: str | None = None, others: Iterable[tuple[str, str]] = ()
    ) -> None:
        super().__init__(path, reason, help=help)
        self.others = tuple(others)
        if self.others:
            self.args = ("; ".join(f"{place}: {why}" for place, why in ((path, reason), *self.others)),)


class InvalidToken(PgflowError):
    """A token that lets its bearer send a signal is none of ours, was changed, or has expired."""

    help = "ask for another link; tokens are made by `run.signal_token(...)`, with the same PGFLOW_SIGNAL_KEY"


class BoundaryError(ValueRefused):
    """A value that crosses a step's boundary does not fit its type; the task fails without a retry."""


class UnreadableValue(PgflowError):
    """An input or output that is stored cannot be read by Python: too many digits or levels, or too large."""

    help = "read it in SQL, or download it from the run's page of the dashboard"


# --- the database as a whole ------------------------------------------------------------------------


class DatabaseError(PgflowError):
    """The database refused a statement."""

    sqlstate: str | None = None


class ConnectionFailed(DatabaseError):
    """The database cannot be reached."""

    help = "check that the server runs and that --dsn, PGFLOW_DSN or DATABASE_URL name it rightly"


class PermissionDenied(DatabaseError):
    """The database user may not do this."""

    help = "use a user who owns the database, or ask its owner for the privilege"


class CoreMissing(DatabaseError):
    """The database does not hold pgflow's schema."""

    help = "run `pgflow-gen migrate` against this database"


class CoreTooOld(DatabaseError):
    """The database holds an older version of pgflow's schema than this program needs."""

    help = "run `pgflow-gen migrate` against this database"


class CoreTooNew(DatabaseError):
    """The database holds a newer version of pgflow's schema than this program knows."""

    help = "upgrade the package: pip install --upgrade pgflow-gen (or pgflow-runtime)"


class ForeignSchema(DatabaseError):
    """The database holds a schema named pgflow that is not ours; nothing was changed."""

    help = "use another database, or move that schema away: alter schema pgflow rename to pgflow_old"


class UntrustedSchema(DatabaseError):
    """A schema that pgflow uses, or a part of it, belongs to somebody who could run programs through it."""

    help = "take it over (alter schema ... owner to ...), or rename it"


class PgmqTooOld(DatabaseError):
    """The database holds a version of pgmq older than 1.5, which lacks message headers."""

    help = "upgrade it: alter extension pgmq update"


class MigrationChanged(DatabaseError):
    """A migration that was applied to this database has another content now."""


class MigrationFailed(DatabaseError):
    """A migration failed; the database is as it was before."""


class ShapeMismatch(DatabaseError):
    """The flow in the database has other steps or dependencies than the code."""


# --- errors the SQL core raises, one class per SQLSTATE ---------------------------------------------


class CoreError(DatabaseError):
    """pgflow's SQL core refused the call."""

    sqlstate = "PF000"


class CoreRefused(CoreError):
    """pgflow's SQL core refused the call."""

    sqlstate = "P0001"


class UnknownFlow(CoreError):
    """The flow is not in the database."""

    sqlstate = "PF001"
    help = "run `pgflow-gen build` and `pgflow-gen migrate`, or check the flow's name"


class RunConflict(CoreError):
    """A run with this id exists already, of another flow or with another input."""

    sqlstate = "PF002"
    help = "choose another run_id, or leave it out"


class StaleFence(CoreError):
    """The task belongs to another worker or another attempt by now; its result was not stored."""

    sqlstate = "PF003"


class UnusableFlowSlug(CoreError):
    """The flow's slug cannot name a queue: over 47 characters, or equal to another but for case."""

    sqlstate = "PF004"
    help = "choose another slug for the flow"


class ArrayLengthsDiffer(CoreError):
    """The arrays of a set-based call differ in length."""

    sqlstate = "PF005"


class DuplicateDependency(CoreError):
    """A step lists the same dependency twice."""

    sqlstate = "PF006"


class CascadeLimit(CoreError):
    """Completing steps without tasks did not come to an end."""

    sqlstate = "PF007"


class RunNotFound(CoreError):
    """There is no run with this id in this database."""

    sqlstate = "PF008"
    help = "check the id and the database; a pruned run is gone for good"


class WorkerNotRegistered(CoreError):
    """The worker is not registered in this database."""

    sqlstate = "PF009"


class StepConflict(CoreError):
    """The flow has a step with this slug already, of another type or with other dependencies."""

    sqlstate = "PF010"
    help = "a flow's structure never changes: give the step another slug, or the flow a new version"


class OddArgument(CoreError):
    """An argument is outside what the function can work with; nothing was changed."""

    sqlstate = "PF011"
    help = "the message and the reference of the SQL functions say what the argument may be"


BY_SQLSTATE: dict[str, type[CoreError]] = {
    str(kind.sqlstate): kind
    for kind in (
        CoreRefused,
        UnknownFlow,
        RunConflict,
        StaleFence,
        UnusableFlowSlug,
        ArrayLengthsDiffer,
        DuplicateDependency,
        CascadeLimit,
        RunNotFound,
        WorkerNotRegistered,
        StepConflict,
        OddArgument,
    )
}


# --- what a waiting client learns -------------------------------------------------------------------


class WrongFlow(PgflowError):
    """The run belongs to another flow, or to another version of it."""

    def __init__(self, run_id: UUID, expected: str, actual: str) -> None:
        super().__init__(
            f"run {run_id} belongs to flow '{actual}', not to '{expected}'",
            help=f"ask for it with get_{actual}(...) or by that version's class",
        )
        self.run_id = run_id
        self.expected = expected
        self.actual = actual


class RunFailed(PgflowError):
    """A run failed. ``step_slug`` and ``task_index`` name the culprit where the database knows it."""

    def __init__(
        self,
        run_id: UUID,
        flow_slug: str,
        error_message: str | None,
        step_slug: str | None = None,
        task_index: int | None = None,
    ) -> None:
        place = f" in step '{step_slug}'" if step_slug else ""
        place += f", task {task_index}" if task_index is not None else ""
        reason = (error_message or "no reason was recorded").strip()
        super().__init__(f"run {run_id} of flow '{flow_slug}' failed{place}: {reason}")
        self.run_id = run_id
        self.flow_slug = flow_slug
        self.step_slug = step_slug
        self.task_index = task_index
        self.error_message = error_message


class RunCancelled(PgflowError):
    """A run was cancelled. ``reason`` is what the canceller said, or None."""

    def __init__(self, run_id: UUID, flow_slug: str, reason: str | None = None) -> None:
        super().__init__(
            f"run {run_id} of flow '{flow_slug}' was cancelled" + (f": {reason}" if reason else "")
        )
        self.run_id = run_id
        self.flow_slug = flow_slug
        self.reason = reason


class TaskCancelled(PgflowError):
    """The task counts no more: raised inside a handler by ``ctx.check_cancelled()``."""

    def __init__(self, reason: str | None = None) -> None:
        super().__init__(None if reason is None else f"the task counts no more: {reason}")
        self.reason = reason


class StepSkipped(PgflowError):
    """A step was skipped, so the awaited status can never come."""

    def __init__(self, run_id: UUID, step_slug: str, skip_reason: str | None) -> None:
        super().__init__(
            f"step '{step_slug}' of run {run_id} was skipped ({skip_reason or 'no reason given'})"
        )
        self.run_id = run_id
        self.step_slug = step_slug
        self.skip_reason = skip_reason


class WaitTimeout(PgflowError, TimeoutError):
    """The time to wait was over before the awaited status came; the run itself goes on."""

    def __init__(
        self, subject: str, seconds: float, status: str, awaited: Sequence[str], trouble: str | None = None
    ) -> None:
        text = f"{subject} is still {status} after {seconds:g} s; waited for {' or '.join(awaited)}"
        super().__init__(
            f"{text}; meanwhile: {trouble}" if trouble else text,
            help="wait longer with timeout=..., and check that a worker of this flow runs",
        )
        self.seconds = seconds
        self.status = status


class ClientClosed(PgflowError):
    """The client was closed, or this run was disposed of, while it was being waited for."""
