"""What a connection finds set by others, and what it is opened with."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from pgflow_runtime import database
from pgflow_runtime.database.kinds import SINCE
from tests.support import pgbouncer
from tests.support.encodings import other_encoding
from tests.support.hostile_settings import HOSTILE, set_hostile
from tests.support.server import Server, name_of

LOOK = "select n, current_setting(n, true) from unnest(%s::text[]) n"
KINDS = [
    kind for name in database.__all__ if isinstance(kind := getattr(database, name), database.ConnectionKind)
]


@pytest.fixture(scope="module")
def hostile(postgres_server: Server) -> Iterator[str]:
    """An empty database in which everything is set as unluckily as can be."""
    dsn = postgres_server.create_database()
    set_hostile(dsn)
    yield dsn
    postgres_server.drop_database(dsn)


def _settings(connection: psycopg.Connection[Any], names: list[str]) -> dict[str, str]:
    rows = connection.execute(LOOK, [names]).fetchall()
    connection.rollback()
    return dict(rows)


def _expected(kind: database.ConnectionKind, version: int) -> dict[str, str]:
    return {name: value for name, value in kind.settings.items() if version >= SINCE.get(name, 0) * 10_000}


def test_the_database_is_hostile_to_others(hostile: str) -> None:
    """The rig can fail."""
    with psycopg.connect(hostile) as connection:
        for name, value in HOSTILE.items():
            if connection.info.server_version >= SINCE.get(name, 0) * 10_000:
                assert _settings(connection, [name])[name].replace(" ", "") == value.replace(" ", ""), name


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_session_has_what_its_kind_says(hostile: str, kind: database.ConnectionKind) -> None:
    with database.connect(hostile, kind) as connection:
        expected = _expected(kind, connection.info.server_version)
        assert _settings(connection, list(expected)) == expected
        assert connection.info.encoding == "utf-8"


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_so_has_one_of_the_event_loop_and_one_of_a_pool(hostile: str, kind: database.ConnectionKind) -> None:
    async def look() -> list[dict[str, str]]:
        found = []
        async with await database.aconnect(hostile, kind) as connection:
            names = list(_expected(kind, connection.info.server_version))
            found.append(dict(await (await connection.execute(LOOK, [names])).fetchall()))
        async with database.amake_pool(hostile, kind, max_size=1) as pool, pool.connection() as connection:
            found.append(dict(await (await connection.execute(LOOK, [names])).fetchall()))
        return found

    one, other = asyncio.run(look())
    pool = database.make_pool(hostile, kind, max_size=1, autocommit=False)
    with pool, pool.connection() as connection:
        assert _settings(connection, list(one)) == one
        assert one == other == _expected(kind, connection.info.server_version)


@pytest.mark.parametrize(
    ("text", "year"), [("infinity", 9999), ("-infinity", 1), ("30000-01-01", 9999), ("0044-03-15 BC", 1)]
)
def test_a_time_that_python_cannot_hold_is_no_error(hostile: str, text: str, year: int) -> None:
    with database.connect(hostile, database.CLIENT) as connection:
        row = connection.execute("select %s::timestamptz", [text]).fetchone()
        assert row is not None
        assert row[0].year == year


def test_the_environment_has_no_say(hostile: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGCLIENTENCODING", "LATIN1")
    monkeypatch.setenv("PGDATESTYLE", "German")
    monkeypatch.setenv("PGTZ", "Asia/Kathmandu")
    monkeypatch.setenv("PGOPTIONS", "-c statement_timeout=1234 -c IntervalStyle=iso_8601")
    with database.connect(hostile, database.ENGINE) as connection:
        expected = _expected(database.ENGINE, connection.info.server_version)
        assert _settings(connection, list(expected)) == expected
        assert connection.execute("select 'Ω€'").fetchone() == ("Ω€",)


def test_the_connection_string_keeps_its_own_options(hostile: str) -> None:
    dsn = psycopg.conninfo.make_conninfo(hostile, options="-c work_mem=7MB -c DateStyle=German")
    with database.connect(dsn, database.CLIENT) as connection:
        found = _settings(connection, ["work_mem", "DateStyle"])
        assert found == {"work_mem": "7MB", "DateStyle": "ISO, MDY"}


def test_a_handlers_search_path_zone_and_limits_are_the_databases(hostile: str) -> None:
    with database.connect(hostile, database.HANDLER, autocommit=False) as connection:
        names = ["search_path", "TimeZone", "lock_timeout", "statement_timeout"]
        assert _settings(connection, names) == {name: HOSTILE[name] for name in names}


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
def test_texts_are_texts_whatever_the_database_encodes_in(postgres_server: Server, encoding: str) -> None:
    with (
        other_encoding(postgres_server, encoding) as dsn,
        database.connect(dsn, database.ENGINE) as connection,
    ):
        assert connection.execute("select 'ä'").fetchone() == ("ä",)


def test_behind_a_pooler_nothing_is_left_for_strangers(postgres_server: Server, hostile: str) -> None:
    reason = pgbouncer.why_not(postgres_server.dsn)
    if reason is not None:
        pytest.skip(reason)
    names = ["search_path", "lock_timeout", "extra_float_digits"]
    with pgbouncer.transaction_pooler(hostile, name_of(hostile), size=1) as pooler:
        for kind in KINDS:
            with database.connect(pooler, kind, prepare_threshold=None) as connection:
                assert connection.execute("select 1").fetchone() == (1,)
        with psycopg.connect(pooler, prepare_threshold=None) as stranger:
            assert _settings(stranger, names) == {name: HOSTILE[name] for name in names}
