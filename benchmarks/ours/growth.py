"""Fill the tables with finished runs, by copying runs that a worker has really finished.

The copies are the originals, column by column, with run ids and message ids of their own, archived messages
included; then VACUUM and ANALYZE, as autovacuum would have done long ago.
"""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import sql

TABLES = ("runs", "step_states", "step_tasks")


def multiply_finished(dsn: str, ids: list[Any], count: int) -> int:
    """Copy these finished runs until there are ``count`` more; returns how many runs there are then."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        with connection.transaction():
            originals, made = list(ids), 0
            while made < count:
                copies = _copy(connection, originals[: count - made])
                made += len(copies)
                originals += copies
        connection.execute("vacuum analyze")
        row = connection.execute("select count(*) from pgflow.runs").fetchone()
    assert row is not None
    return int(row[0])


def _copy(connection: psycopg.Connection[Any], ids: list[Any]) -> list[Any]:
    """Copy these runs once; the ids of the copies."""
    connection.execute("drop table if exists pg_temp.renamed, pg_temp.messages")
    connection.execute(
        "create temp table renamed as select old, pgflow.new_run_id() as new from unnest(%s::uuid[]) old",
        [ids],
    )
    connection.execute("create unique index on renamed (old)")
    connection.execute(
        "create temp table messages as select a.msg_id as old,"
        " nextval(pg_get_serial_sequence('pgmq.q_chain', 'msg_id')) as new"
        " from pgmq.a_chain a join renamed m on m.old = (a.message ->> 'run_id')::uuid"
    )
    connection.execute("create unique index on messages (old)")
    connection.execute("analyze renamed, messages")
    for table in TABLES:
        renamed = {"run_id": sql.SQL("m.new")}
        _copy_table(connection, "pgflow", table, renamed, sql.SQL("m.old = t.run_id"), messages="message_id")
    changed = {"message": sql.SQL("jsonb_set(t.message, '{run_id}', to_jsonb(m.new))")}
    joined = sql.SQL("m.old = (t.message ->> 'run_id')::uuid")
    _copy_table(connection, "pgmq", "a_chain", changed, joined, messages="msg_id")
    return [row[0] for row in connection.execute("select new from renamed")]


def _copy_table(
    connection: psycopg.Connection[Any],
    schema: str,
    table: str,
    changed: dict[str, sql.SQL],
    joined: sql.SQL,
    *,
    messages: str,
) -> None:
    """Insert the renamed runs' rows once more; ``messages`` is the column with the message's id, if any."""
    names = [
        str(row[0])
        for row in connection.execute(
            "select attname from pg_attribute where attrelid = %s::regclass"
            " and attnum > 0 and not attisdropped and attgenerated = '' order by attnum",
            [f"{schema}.{table}"],
        )
    ]
    has_messages = messages in names
    if has_messages:
        changed = changed | {messages: sql.SQL("i.new")}
    columns = sql.SQL(", ").join(sql.Identifier(name) for name in names)
    values = sql.SQL(", ").join(
        changed[name] if name in changed else sql.Identifier("t", name) for name in names
    )
    more = sql.SQL("left join messages i on i.old = {}").format(sql.Identifier("t", messages))
    connection.execute(
        sql.SQL(
            "insert into {} ({}) overriding system value select {} from {} t join renamed m on {} {}"
        ).format(
            sql.Identifier(schema, table),
            columns,
            values,
            sql.Identifier(schema, table),
            joined,
            more if has_messages else sql.SQL(""),
        )
    )
