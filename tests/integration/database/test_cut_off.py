"""The server is told when to give up a peer that answers no more; one that is less patient stays so."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from pgflow_runtime import database
from pgflow_runtime.database.kinds import CUT_OFF
from tests.support.own_server import own_server

KINDS = [
    kind for name in database.__all__ if isinstance(kind := getattr(database, name), database.ConnectionKind)
]
LOOK = "select current_setting(n) from unnest(%s::text[]) n"


@pytest.fixture(scope="module")
def over_tcp() -> Iterator[str]:
    """A database reached through the network, which alone knows such settings."""
    with own_server(settings={"listen_addresses": "127.0.0.1"}) as server:
        with (server.data / "pg_hba.conf").open("a") as hba:
            hba.write("host all all 127.0.0.1/32 trust\n")
        with psycopg.connect(server.dsn, autocommit=True) as connection:
            connection.execute("select pg_reload_conf()")
        yield make_conninfo(server.dsn, host="127.0.0.1")


def _found(connection: psycopg.Connection[tuple[object, ...]]) -> list[object]:
    names = [*CUT_OFF, "client_connection_check_interval"]
    found = [value for (value,) in connection.execute(LOOK, [names]).fetchall()]
    connection.rollback()
    return found


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_server_gives_up_within_half_a_minute(over_tcp: str, kind: database.ConnectionKind) -> None:
    with database.connect(over_tcp, kind) as connection:
        assert _found(connection) == ["10", "5", "3", "25000", "10s"]


def test_a_server_that_is_less_patient_stays_so(over_tcp: str) -> None:
    options = "-c tcp_keepalives_idle=7 -c tcp_user_timeout=2000 -c client_connection_check_interval=1s"
    with database.connect(make_conninfo(over_tcp, options=options), database.ENGINE) as connection:
        assert _found(connection) == ["7", "5", "3", "2000", "1s"]


def test_nothing_of_ours_waits_or_idles_for_ever() -> None:
    for kind in KINDS:
        if kind.name in ("handler", "listener"):
            continue  # a task's own time limits it; nothing is locked there
        limited = {name for name in ("lock_timeout", "statement_timeout") if kind.settings[name] != "0"}
        assert limited, kind.name
        assert kind.name == "doctor" or kind.settings["idle_in_transaction_session_timeout"] != "0", kind.name
