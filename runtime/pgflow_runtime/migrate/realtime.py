"""Whether the core's owner can send events on Supabase, found out by sending one, and what is done about it.

``realtime.send`` runs with its caller's rights, writes to a table behind row security, and turns what goes
wrong into a warning: neither rights nor silence tell whether an event was sent.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, LiteralString
from uuid import uuid4

import psycopg
from psycopg import errors as pg
from psycopg import sql

_SEND: Final = "realtime.send(jsonb, text, text, boolean)"
_POLICY: Final = "pgflow_owner_sends_events"


def open_realtime(connection: psycopg.Connection[Any], owner: str, notes: list[str]) -> None:
    """Let ``owner`` send events, where there is something to send them with; what we may not do is noted."""
    if not _is_there(connection):
        return
    trouble = _trouble(connection, owner)
    if trouble is None:
        return
    statements = [*_grants(connection, owner)]
    for statement in statements:
        _try(connection, statement)
    if _trouble(connection, owner) is None:
        return
    policy = _policy(connection, owner)
    if policy is not None:
        _try(connection, policy)
        statements.append(policy)
    trouble = _trouble(connection, owner)
    if trouble is not None:
        text = "; ".join(statement.as_string(connection) for statement in statements)
        notes.append(f"events are not sent ({trouble}): let an administrator run: {text}")


def _is_there(connection: psycopg.Connection[Any]) -> bool:
    """By the catalogue alone: to look a name up in a schema that we may not use is an error."""
    row = connection.execute(
        """
        select exists (
          select from pg_catalog.pg_proc p
          where p.pronamespace = to_regnamespace('realtime') and p.proname = 'send'
            and p.proargtypes = '3802 25 25 16'::oidvector
        )
        """
    ).fetchone()
    return bool(row and row[0])


def _trouble(connection: psycopg.Connection[Any], owner: str) -> str | None:
    """Why an event that the owner sends does not arrive; None when it does. It is rolled back after all."""
    topic = f"pgflow:run:{uuid4()}"
    with _undone(connection), _warnings(connection) as warnings:
        connection.execute(sql.SQL("set local role {}").format(sql.Identifier(owner)))
        try:
            with connection.transaction():
                connection.execute("select realtime.send('{}', 'run:started', %s, false)", [topic])
        except psycopg.Error as error:
            return error.diag.message_primary or str(error)
        connection.execute("reset role")
        try:
            with connection.transaction():
                query = "select exists (select from realtime.messages where topic = %s)"
                row = connection.execute(query, [topic]).fetchone()
        except (pg.InsufficientPrivilege, pg.UndefinedTable, pg.UndefinedColumn):
            return warnings[0] if warnings else None  # we may not look: then its words count
        if row and row[0]:
            return None
        return warnings[0] if warnings else "realtime.send keeps none"


def _grants(connection: psycopg.Connection[Any], owner: str) -> Iterator[sql.Composed]:
    who = sql.Identifier(owner)
    yield sql.SQL("grant usage on schema realtime to {}").format(who)
    yield sql.SQL("grant execute on function {} to {}").format(sql.SQL(_SEND), who)
    if _messages(connection) is not None:
        yield sql.SQL("grant insert on realtime.messages to {}").format(who)


def _policy(connection: psycopg.Connection[Any], owner: str) -> sql.Composed | None:
    """What lets the owner's rows pass, and no others than events of runs."""
    if not _messages(connection):
        return None
    row = connection.execute(
        "select exists (select from pg_catalog.pg_policies where schemaname = 'realtime'"
        " and tablename = 'messages' and policyname = %s)",
        [_POLICY],
    ).fetchone()
    if row and row[0]:
        return None
    statement: LiteralString = (
        "create policy {} on realtime.messages for insert to {} with check (topic like 'pgflow:run:%')"
    )
    return sql.SQL(statement).format(sql.Identifier(_POLICY), sql.Identifier(owner))


def _messages(connection: psycopg.Connection[Any]) -> bool | None:
    """Whether the table of events has row security; None where there is no such table."""
    row = connection.execute(
        "select relrowsecurity from pg_catalog.pg_class"
        " where relnamespace = to_regnamespace('realtime') and relname = 'messages'"
    ).fetchone()
    return None if row is None else bool(row[0])


def _try(connection: psycopg.Connection[Any], statement: sql.Composed) -> None:
    try:
        with connection.transaction():
            connection.execute(statement)
    except (pg.InsufficientPrivilege, pg.DuplicateObject):
        return


@contextmanager
def _undone(connection: psycopg.Connection[Any]) -> Iterator[None]:
    """A savepoint that nothing comes out of."""
    with connection.transaction(force_rollback=True):
        yield


@contextmanager
def _warnings(connection: psycopg.Connection[Any]) -> Iterator[list[str]]:
    heard: list[str] = []

    def hear(diagnostic: psycopg.errors.Diagnostic) -> None:
        if diagnostic.severity_nonlocalized == "WARNING":
            heard.append(diagnostic.message_primary or "")

    connection.add_notice_handler(hear)
    try:
        yield heard
    finally:
        connection.remove_notice_handler(hear)
