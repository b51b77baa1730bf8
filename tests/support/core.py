"""The core's functions and tables as Python methods, for tests."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, TypeAlias
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import sql
from psycopg.rows import namedtuple_row
from psycopg.types.json import Jsonb

Json: TypeAlias = Any
Row: TypeAlias = Any
Connection: TypeAlias = psycopg.Connection[Any]

SQL_NULL = object()  # where None would be JSON null


def connect(dsn: str, *, autocommit: bool = True) -> Connection:
    """A connection with named tuples as rows; each statement is its own transaction unless told otherwise."""
    return psycopg.connect(dsn, autocommit=autocommit, row_factory=namedtuple_row)


def _json(value: Json) -> Jsonb | None:
    return None if value is SQL_NULL else Jsonb(value)


class Core:
    """Calls of the functions in schema `pgflow` on one connection, and looks at its tables."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._workers: dict[str, UUID] = {}

    # -- plain queries -------------------------------------------------------------------------------------

    def rows(self, query: str, *params: Any) -> list[Row]:
        """All rows of a query; its parameters follow by position, or as one dictionary by name."""
        return self._execute(query, params).fetchall()

    def _execute(self, query: str, params: tuple[Any, ...]) -> psycopg.Cursor[Row]:
        named = params[0] if len(params) == 1 and isinstance(params[0], dict) else None
        return self.connection.execute(query.encode(), named or params or None)

    def row(self, query: str, *params: Any) -> Row:
        """The only row."""
        found = self.rows(query, *params)
        assert len(found) == 1, f"{len(found)} rows from {query}"
        return found[0]

    def value(self, query: str, *params: Any) -> Any:
        """The only column of the only row."""
        return self.row(query, *params)[0]

    def run_sql(self, query: str, *params: Any) -> None:
        self._execute(query, params)

    def insert(self, table: str, **columns: Any) -> None:
        """Insert one row into a table of schema `pgflow`."""
        statement = sql.SQL("insert into pgflow.{} ({}) values ({})").format(
            sql.Identifier(table),
            sql.SQL(", ").join(map(sql.Identifier, columns)),
            sql.SQL(", ").join(map(sql.Placeholder, columns)),
        )
        self.connection.execute(statement, columns)

    def clock(self) -> datetime:
        """The server's clock, which goes on within a transaction."""
        return self.value("select clock_timestamp()")  # type: ignore[no-any-return]

    def now(self) -> datetime:
        """When the transaction began."""
        return self.value("select now()")  # type: ignore[no-any-return]

    @contextmanager
    def refused(
        self, match: str = "", *, sqlstate: str | None = None, constraint: str | None = None
    ) -> Iterator[None]:
        """What happens in the block raises this database error and leaves nothing behind."""
        with pytest.raises(psycopg.Error, match=match or None) as caught, self.connection.transaction():
            yield
        assert sqlstate is None or caught.value.sqlstate == sqlstate, caught.value.sqlstate
        assert constraint is None or caught.value.diag.constraint_name == constraint

    def call(self, function: str, **arguments: Any) -> list[Row]:
        """Call any function with named arguments; a wrapped `Jsonb` passes JSON."""
        return self._call(function, arguments)

    def _call(self, function: str, arguments: Mapping[str, Any]) -> list[Row]:
        """Call a function with named arguments, leaving out those that are not given."""
        given = {name: value for name, value in arguments.items() if value is not ...}
        query = sql.SQL("select * from pgflow.{}({})").format(
            sql.Identifier(function),
            sql.SQL(", ").join(
                sql.SQL("{} => {}").format(sql.Identifier(name), sql.Placeholder(name)) for name in given
            ),
        )
        return self.connection.execute(query, given).fetchall()

    # -- definitions ---------------------------------------------------------------------------------------

    def create_flow(self, flow_slug: str, **options: Any) -> Row:
        """Options: max_attempts, base_delay, timeout, backoff, max_delay."""
        return self._call("create_flow", {"flow_slug": flow_slug, **options})[0]

    def add_step(
        self,
        flow_slug: str,
        step_slug: str,
        deps: Any = ...,
        **options: Any,
    ) -> Row:
        """Options: max_attempts, base_delay, timeout, start_delay, step_type, patterns (as dicts), modes."""
        for pattern in ("required_input_pattern", "forbidden_input_pattern"):
            if pattern in options:
                options[pattern] = Jsonb(options[pattern])
        given = deps if deps is None or deps is ... else list(deps)
        arguments = {"flow_slug": flow_slug, "step_slug": step_slug, "deps_slugs": given, **options}
        return self._call("add_step", arguments)[0]

    def flow(self, flow_slug: str, *steps: str, **options: Any) -> str:
        """Create a flow from lines like ``"a"``, ``"m:map < a"``, ``"c < a b"``; returns the slug."""
        self.create_flow(flow_slug, **options)
        for line in steps:
            head, _, deps = line.partition("<")
            slug, _, kind = head.strip().partition(":")
            self.add_step(flow_slug, slug, deps.split(), step_type=kind or "single")
        return flow_slug

    # -- running -------------------------------------------------------------------------------------------

    def start_flow(self, flow_slug: str, input: Json = None, run_id: UUID | None = None) -> Row:
        """`input` is encoded as JSON (None is JSON null; SQL_NULL is NULL)."""
        found = self._call("start_flow", {"flow_slug": flow_slug, "input": _json(input), "run_id": run_id})
        assert len(found) == 1
        return found[0]

    def read(self, flow_slug: str, quantity: int = 1, visibility_timeout: int = 2) -> list[int]:
        """Ids of the visible messages, oldest first, which are hidden thereby; never waits."""
        query = "select msg_id from pgmq.read(%s, %s, %s) order by msg_id"
        return [row.msg_id for row in self.rows(query, flow_slug, visibility_timeout, quantity)]

    def start_tasks(
        self, flow_slug: str, msg_ids: Sequence[int] | None, worker_id: UUID | None = None
    ) -> list[Row]:
        """Start the tasks behind messages, as a worker that is registered first; rows by msg_id."""
        worker = worker_id or self.worker(flow_slug)
        ids = None if msg_ids is None else list(msg_ids)
        query = "select * from pgflow.start_tasks(%s, %s::bigint[], %s) order by msg_id"
        return self.rows(query, flow_slug, ids, worker)

    def poll(self, flow_slug: str, quantity: int = 1, worker_id: UUID | None = None) -> list[Row]:
        """Read messages and start their tasks."""
        return self.start_tasks(flow_slug, self.read(flow_slug, quantity), worker_id)

    def complete_task(
        self, run_id: UUID, step_slug: str, task_index: int = 0, output: Json = None
    ) -> list[Row]:
        arguments = {
            "run_id": run_id,
            "step_slug": step_slug,
            "task_index": task_index,
            "output": _json(output),
        }
        return self._call("complete_task", arguments)

    def fail_task(
        self, run_id: UUID, step_slug: str, task_index: int = 0, message: str | None = "boom"
    ) -> list[Row]:
        arguments = {
            "run_id": run_id,
            "step_slug": step_slug,
            "task_index": task_index,
            "error_message": message,
        }
        return self._call("fail_task", arguments)

    def work(self, flow_slug: str, output: Json = None) -> Row:
        """Poll one task and complete it with `output`; returns the started task's record."""
        started = self.poll(flow_slug)
        assert len(started) == 1, f"nothing to work on in {flow_slug}"
        self.complete_task(started[0].run_id, started[0].step_slug, started[0].task_index, output)
        return started[0]

    def worker(self, flow_slug: str, worker_id: UUID | None = None) -> UUID:
        """A registered worker of a flow (the same one every time unless an id is given)."""
        chosen = worker_id or self._workers.setdefault(flow_slug, uuid4())
        self.run_sql(
            """insert into pgflow.workers (worker_id, queue_name, function_name, last_heartbeat_at)
               values (%s, %s, %s, now()) on conflict (worker_id) do update set last_heartbeat_at = now()""",
            chosen,
            flow_slug,
            f"{flow_slug}_worker",
        )
        return chosen

    # -- looking -------------------------------------------------------------------------------------------

    def rows_read(self, table: str) -> int:
        """Rows of a table that the present transaction has read so far, by whatever way."""
        return self.value(  # type: ignore[no-any-return]
            """select pg_stat_get_xact_tuples_returned(c.oid) + pg_stat_get_xact_tuples_fetched(c.oid)
                 + coalesce((select sum(pg_stat_get_xact_tuples_returned(i.indexrelid)) from pg_index i
                             where i.indrelid = c.oid), 0)::bigint
               from pg_class c where c.oid = %s::regclass""",
            table,
        )

    def run(self, run_id: UUID) -> Row:
        return self.row("select * from pgflow.runs where run_id = %s", run_id)

    def step(self, run_id: UUID, step_slug: str) -> Row:
        return self.row(
            "select * from pgflow.step_states where run_id = %s and step_slug = %s", run_id, step_slug
        )

    def statuses(self, run_id: UUID) -> dict[str, str]:
        """Status by step slug."""
        query = "select step_slug, status from pgflow.step_states where run_id = %s"
        return {row.step_slug: row.status for row in self.rows(query, run_id)}

    def task(self, run_id: UUID, step_slug: str, task_index: int = 0) -> Row:
        return self.row(
            "select * from pgflow.step_tasks where run_id = %s and step_slug = %s and task_index = %s",
            run_id,
            step_slug,
            task_index,
        )

    def tasks(self, run_id: UUID, step_slug: str | None = None) -> list[Row]:
        return self.rows(
            """select * from pgflow.step_tasks where run_id = %s and step_slug = coalesce(%s, step_slug)
               order by step_slug, task_index""",
            run_id,
            step_slug,
        )

    def queue(self, flow_slug: str) -> list[Row]:
        """The queue's messages (visible or not), oldest first; `wait`: whole seconds until visibility."""
        return self._messages(
            "select msg_id, message, headers, vt, enqueued_at, read_ct, "
            "round(extract(epoch from vt - enqueued_at))::int as wait, "
            "vt - clock_timestamp() as until_visible from {} order by msg_id",
            "q_" + flow_slug.lower(),
        )

    def archive(self, flow_slug: str) -> list[Row]:
        return self._messages("select * from {} order by msg_id", "a_" + flow_slug.lower())

    def _messages(self, query: str, table: str) -> list[Row]:
        statement = sql.SQL(query).format(sql.Identifier("pgmq", table))
        return self.connection.execute(statement).fetchall()

    def events(self, run_id: UUID | None = None, event_type: str | None = None) -> list[Row]:
        """What was sent, in order: event, topic, payload, private."""
        return self.rows(
            """select event, topic, payload, private from realtime.messages
               where (%(topic)s::text is null or topic = %(topic)s)
                 and (%(type)s::text is null or payload ->> 'event_type' = %(type)s)
               order by id""",
            {"topic": None if run_id is None else f"pgflow:run:{run_id}", "type": event_type},
        )

    def event_names(self, run_id: UUID | None = None) -> list[str]:
        return [row.event for row in self.events(run_id)]

    def clear_events(self) -> None:
        self.run_sql("delete from realtime.messages")


def by_slug(rows: Iterable[Row]) -> dict[str, Row]:
    """Rows by their step_slug, of which each must occur once."""
    listed = list(rows)
    found = {row.step_slug: row for row in listed}
    assert len(found) == len(listed)
    return found
