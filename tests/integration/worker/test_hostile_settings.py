"""Worker, client and migration where others have set everything as unluckily as can be."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo
from psycopg.rows import dict_row

from pgflow_runtime import database
from tests.support import pgbouncer
from tests.support.encodings import other_encoding
from tests.support.hostile_settings import HOSTILE, set_hostile
from tests.support.project import Project
from tests.support.server import Server, name_of
from tests.support.worker_lab import Lab, WorkerProcess

SETTINGS = {**HOSTILE, "statement_timeout": "5s", "lock_timeout": "2s"}
"""Limits of single statements hold for handlers' connections, where they must not hit on a busy machine."""

BEHIND_A_POOLER = (
    "DateStyle",
    "IntervalStyle",
    "TimeZone",
    "array_nulls",
    "standard_conforming_strings",
    "transform_null_equals",
    "quote_all_identifiers",
    "bytea_output",
    "extra_float_digits",
    "default_transaction_isolation",
    "default_transaction_read_only",
    "default_transaction_deferrable",
    "lock_timeout",
    "statement_timeout",
    "plpgsql.extra_warnings",
)
"""What may be set for a database that is reached through a pooler for transactions."""

ROLE = "pgflow_test_hostile"

PROGRAM = """
import asyncio, json, sys
from generated.client import AsyncClient, Client
from pgflow_runtime.errors import RunFailed

def told(run):
    try:
        return run.result(timeout=60)
    except RunFailed as error:
        return str(error.error_message)

with Client.connect(sys.argv[1]) as client:
    many = client.start_many_chain([5, 6])
    fan = client.start_fan(6)
    book = client.start_ledger({"folder": sys.argv[2], "note": "it's \\\\ noted"})
    late = client.start_steer({"what": "late success"})
    bad, euro = (client.start_steer({"what": what}) for what in ("quotes", "euro"))
    results = [told(run) for run in (*many, fan, book, late, euro, bad)]
    times = [many[0].started_at.isoformat(), fan.completed_at.isoformat(), bad.failed_at.isoformat()]

async def events():
    async with AsyncClient.connect(sys.argv[1]) as client:
        run = await client.get_fan(fan.run_id)
        return [(e.event_type, getattr(e, "step_slug", None)) async for e in run.events()]

print(json.dumps([results, times, asyncio.run(events())]))
"""


class SafeLab(Lab):
    """A lab whose own questions do not suffer."""

    def sql(self, statement: str, *parameters: Any) -> list[dict[str, Any]]:
        with database.connect(self.dsn, database.ADMIN, row_factory=dict_row) as connection:
            cursor = connection.execute(statement.encode(), parameters or None)
            return cursor.fetchall() if cursor.description else []


@dataclass(frozen=True)
class Place:
    """A database and an environment."""

    dsn: str
    variables: dict[str, str] = field(default_factory=dict)


@pytest.fixture
def make_database(postgres_server: Server) -> Iterator[Callable[[str], str]]:
    with ExitStack() as made:
        yield lambda encoding: made.enter_context(other_encoding(postgres_server, encoding))
    with psycopg.connect(postgres_server.dsn, autocommit=True) as connection:
        connection.execute(sql.SQL("drop role if exists {}").format(sql.Identifier(ROLE)))


def test_so_they_do_behind_a_pooler(
    postgres_server: Server,
    lab_project: Project,
    make_database: Callable[[str], str],
    tmp_path: Path,
) -> None:
    """Its sessions are everybody's: what we need is said where it is needed, and left to nobody else."""
    reason = pgbouncer.why_not(postgres_server.dsn)
    if reason is not None:
        pytest.skip(reason)
    dsn = make_database("UTF8")
    set_hostile(dsn, {name: SETTINGS[name] for name in BEHIND_A_POOLER})
    assert lab_project.ok("migrate", "--dsn", dsn)
    SafeLab(lab_project, dsn, tmp_path).sql("create table public.ledger (note text)")
    with pgbouncer.transaction_pooler(dsn, name_of(dsn)) as pooler:
        lab = SafeLab(lab_project, pooler, tmp_path)
        worker = WorkerProcess.launch(lab, ("chain", "fan", "steer", "ledger"), {"poll_only": ""})
        try:
            worker.until_serving()
            program = PROGRAM.replace("(sys.argv[1])", "(sys.argv[1], poll_only=True)")
            told = lab_project.python("-c", program, pooler, str(tmp_path))
            assert told.returncode == 0, f"{told.stderr}\n{worker.log}"
            assert worker.stop() == 0
        finally:
            worker.clear_away()
        with psycopg.connect(pooler, autocommit=True, prepare_threshold=None) as stranger:
            for name in BEHIND_A_POOLER:
                assert stranger.execute("select current_setting(%s)", [name]).fetchone() == (SETTINGS[name],)
    _assert_all_went_well("UTF8", told.stdout, SafeLab(lab_project, dsn, tmp_path))


def _as_role(server: Server, dsn: str) -> str:
    with psycopg.connect(server.dsn, autocommit=True) as connection:
        connection.execute(sql.SQL("create role {} superuser login").format(sql.Identifier(ROLE)))
    return make_conninfo(dsn, user=ROLE)


def _in_environment() -> dict[str, str]:
    options = " ".join(
        f"-c {name}={value.replace(' ', chr(92) + ' ')}"
        for name, value in SETTINGS.items()
        if name not in ("transaction_timeout", "client_min_messages")
    )
    return {
        "PGOPTIONS": options,
        "PGCLIENTENCODING": "LATIN1",
        "PGDATESTYLE": "German",
        "PGTZ": "Asia/Kathmandu",
        "PGGEQO": "off",
    }


def _place(level: str, server: Server, make_database: Callable[[str], str]) -> Place:
    if level in ("LATIN1", "SQL_ASCII"):
        return Place(make_database(level))
    dsn = make_database("UTF8")
    if level == "environment":
        return Place(dsn, _in_environment())
    if level == "database":
        set_hostile(dsn, SETTINGS)
        return Place(dsn)
    role_dsn = _as_role(server, dsn)
    set_hostile(dsn, SETTINGS, "role" if level == "role" else "role in database", ROLE)
    return Place(role_dsn)


@pytest.mark.parametrize(
    "level", ["database", "role", "role in database", "environment", "LATIN1", "SQL_ASCII"]
)
def test_flows_run_and_are_read_as_ever(
    level: str,
    postgres_server: Server,
    lab_project: Project,
    make_database: Callable[[str], str],
    tmp_path: Path,
) -> None:
    place = _place(level, postgres_server, make_database)
    migrate = ["-m", "pgflow_gen", "migrate", "--dsn", place.dsn]
    done = lab_project.python(*migrate, variables=place.variables)
    assert done.returncode == 0, done.stderr
    assert (f"this database is encoded in {level}" in done.stderr) == (level in ("LATIN1", "SQL_ASCII"))
    lab = SafeLab(lab_project, place.dsn, tmp_path)
    lab.sql("create table public.ledger (note text)")
    flows = ("chain", "fan", "steer", "ledger")
    worker = WorkerProcess.launch(lab, flows, {}, environment=place.variables)
    try:
        worker.until_serving()
        told = lab_project.python("-c", PROGRAM, place.dsn, str(tmp_path), variables=place.variables)
        assert told.returncode == 0, f"{told.stderr}\n{worker.log}"
        assert worker.stop() == 0
    finally:
        worker.clear_away()
    _assert_all_went_well(level, told.stdout, lab)


def _assert_all_went_well(level: str, told: str, lab: Lab) -> None:
    results, times, events = json.loads(told)
    squares = sum((6 if n == 3 else n * n) + n for n in range(6))
    *outputs, euro, message = results
    assert outputs == [
        {"third": [6, 60]},
        {"third": [7, 70]},
        {"sum": squares},
        {"confirm": "it's \\ noted", "remember": "it's \\ noted"},
        {"obey": {"attempt": 2}},
    ]
    sign = "\\u20ac" if level == "LATIN1" else "€"
    assert f"""ValueError: it's "quoted", \\back\\slashed, {{braced}}, NULL and 5 {sign}""" in message
    if level == "LATIN1":
        assert euro.startswith("BoundaryError: the database refuses the output: character with byte sequence")
    else:
        assert euro == {"obey": {"attempt": 1, "price": "5 €"}}
    assert all(datetime.fromisoformat(time).tzinfo is not None for time in times), times
    assert events[0] == ["run:started", None]
    assert events[-1] == ["run:completed", None]
    assert lab.sql("select count(*) as n from public.ledger") == [{"n": 3}]
    assert lab.sql("select attempts_count from pgflow.step_tasks where requeued_count > 0") == []
