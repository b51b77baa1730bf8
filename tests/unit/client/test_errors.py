"""Errors: one class per SQLSTATE of the core, and a sentence with a way out for all others."""

from __future__ import annotations

import pickle
import re
from uuid import UUID

import psycopg
import pytest
from psycopg import errors as pg

from pgflow_runtime import errors
from pgflow_runtime.database.store import from_psycopg, is_passing
from pgflow_runtime.errors import BY_SQLSTATE, ConnectionFailed, CoreMissing, PermissionDenied, PgflowError
from pgflow_sql import schema_files

CLASSES = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, PgflowError) and kind.__module__ == errors.__name__
]


def test_every_sqlstate_the_core_raises_has_a_class() -> None:
    raised = {code for file in schema_files() for code in re.findall(r"errcode = '(PF\d+)'", file.text)}
    assert raised
    assert raised <= set(BY_SQLSTATE)


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_docstring_is_a_sentence(kind: type[PgflowError]) -> None:
    first = (kind.__doc__ or "").strip().split("\n\n")[0]
    assert first.endswith((".", "``."))


def test_class_without_a_message_says_its_docstring() -> None:
    assert str(errors.ForeignSchema()) == (
        "The database holds a schema named pgflow that is not ours; nothing was changed."
    )


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (pg.UndefinedFunction("function pgflow.schema_version() does not exist"), CoreMissing),
        (pg.InvalidSchemaName('schema "pgflow" does not exist'), CoreMissing),
        (pg.InsufficientPrivilege("permission denied for schema pgflow"), PermissionDenied),
        (pg.AdminShutdown("terminating connection"), ConnectionFailed),
        (pg.InvalidPassword("password authentication failed"), ConnectionFailed),
        (pg.TooManyConnections("sorry, too many clients already"), ConnectionFailed),
        (psycopg.OperationalError("connection is lost"), ConnectionFailed),
        (psycopg.InterfaceError("the connection is closed"), ConnectionFailed),
        (pg.UndefinedTable('relation "mine" does not exist'), errors.DatabaseError),
        (pg.UndefinedColumn("column f.failed_undo_count does not exist"), errors.CoreTooOld),
        (pg.DivisionByZero("division by zero"), errors.DatabaseError),
    ],
)
def test_database_errors_become_ours(error: psycopg.Error, kind: type[PgflowError]) -> None:
    found = from_psycopg(error)
    assert type(found) is kind
    assert str(error) in str(found)


def test_errors_that_pass() -> None:
    assert is_passing(from_psycopg(pg.DeadlockDetected("deadlock detected")))
    assert is_passing(from_psycopg(pg.AdminShutdown("bye")))
    assert not is_passing(from_psycopg(pg.DivisionByZero("x")))
    assert not is_passing(PgflowError("x"))


def test_password_in_a_connection_error_is_hidden() -> None:
    found = from_psycopg(psycopg.OperationalError("bad password hush"), "host=h password=hush")
    assert "hush" not in str(found)


@pytest.mark.parametrize(
    "error",
    [
        ConnectionFailed("gone", help="wait"),
        errors.RunFailed(UUID(int=1), "crawl", "no", "urls", 0),
        errors.WaitTimeout("run 1", 3, "started", ("completed",)),
        errors.InvalidInput("input.a", "is wrong"),
        errors.InvalidInput("input.a", "is wrong", others=[("input.b", "too")]),
        errors.ForeignSchema(),
    ],
)
def test_errors_survive_pickling(error: PgflowError) -> None:
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error)
    assert (str(copy), copy.help, vars(copy)) == (str(error), error.help, vars(error))
