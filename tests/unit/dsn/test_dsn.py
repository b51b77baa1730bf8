"""Which database a command uses (specification/worker-and-client.md, "Which database")."""

from __future__ import annotations

from pathlib import Path

import pytest
from psycopg.conninfo import conninfo_to_dict

from pgflow_runtime.database.dsn import CONNECT_TIMEOUT, DEAD_AFTER, describe, normalize, resolve_dsn
from pgflow_runtime.errors import InvalidDsn


def parts(conninfo: str | None) -> dict[str, str]:
    assert conninfo is not None
    return {name: str(value) for name, value in conninfo_to_dict(conninfo).items()}


def test_order_of_sources() -> None:
    env = {
        "PGFLOW_DSN": "postgresql://p/x",
        "EDGE_WORKER_DB_URL": "postgresql://e/x",
        "DATABASE_URL": "postgresql://d/x",
        "PGHOST": "h",
    }
    found = []
    for name in (None, *env):
        if name is not None:
            found.append(resolve_dsn(None, env).source)
            env = {key: value for key, value in env.items() if key != name}
    assert found == ["PGFLOW_DSN", "EDGE_WORKER_DB_URL", "DATABASE_URL", "PGHOST"]
    assert resolve_dsn("postgresql://e/x", {"PGFLOW_DSN": "postgresql://p/x"}).source == "--dsn"
    assert resolve_dsn(None, {}).is_embedded


@pytest.mark.parametrize("end", ["", "\n", "\r\n", "\n\n"])
def test_a_file_holds_the_connection_string(tmp_path: Path, end: str) -> None:
    file = tmp_path / "dsn"
    file.write_bytes(f"\ufeffpostgresql://u:s3cret@f/x{end}".encode())
    found = resolve_dsn(None, {"PGFLOW_DSN_FILE": f"{file}", "DATABASE_URL": "postgresql://d/x"})
    assert found.source == "PGFLOW_DSN_FILE"
    assert (parts(found.conninfo)["host"], parts(found.conninfo)["password"]) == ("f", "s3cret")
    assert resolve_dsn("postgresql://e/x", {"PGFLOW_DSN_FILE": f"{file}"}).source == "--dsn"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "cannot be read: No such file or directory"),
        (b"", "which is empty"),
        (b" \r\n\n", "which is empty"),
        (b"\xff\xfes\x003\x00", "cannot be read: it is UTF-16: save it as UTF-8"),
        (b"s3cret", "PGFLOW_DSN_FILE"),
        (b"postgresql://u:s3cret@h/x\npostgresql://u:s3cret@h/y\n", "PGFLOW_DSN_FILE"),
        (b"PGFLOW_DSN=postgresql://u:s3cret@h/x\n", "PGFLOW_DSN_FILE"),
    ],
)
def test_a_file_without_a_connection_string_is_refused_in_words(
    tmp_path: Path, content: bytes | None, words: str
) -> None:
    file = tmp_path / "dsn"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(InvalidDsn) as failure:
        resolve_dsn(None, {"PGFLOW_DSN_FILE": f"{file}"})
    assert words in failure.value.message
    assert "s3cret" not in f"{failure.value} {failure.value.help}"
    assert failure.value.help


@pytest.mark.parametrize(
    "env",
    [
        {"PGFLOW_DSN_FILE": "postgresql://u:s3cret@h/x"},
        {"PGFLOW_DSN_FILE": "host=h password=s3cret"},
        {"PGFLOW_DSN_FILE": "/run/secrets/dsn", "PGFLOW_DSN": "postgresql://u:s3cret@h/x"},
        {"PGFLOW_DSN_FILE": "."},
    ],
)
def test_what_names_no_file_is_refused_without_repeating_it(env: dict[str, str]) -> None:
    with pytest.raises(InvalidDsn) as failure:
        resolve_dsn(None, env)
    assert "s3cret" not in f"{failure.value} {failure.value.help}"


@pytest.mark.parametrize("name", ["PGHOST", "PGHOSTADDR", "PGSERVICE", "PGDATABASE"])
def test_libpq_variables_mean_that_there_is_a_server(name: str) -> None:
    found = resolve_dsn(None, {name: "x"})
    assert found.source == name
    assert not found.is_embedded
    assert resolve_dsn(None, {name: ""}).is_embedded


def test_libpq_variables_that_name_no_server_do_not_count() -> None:
    assert resolve_dsn(None, {"PGUSER": "u", "PGPORT": "5432", "PGPASSWORD": "x"}).is_embedded


@pytest.mark.parametrize(
    "scheme", ["postgres", "postgresql", "postgresql+asyncpg", "postgres+psycopg2", "POSTGRESQL"]
)
def test_schemes_of_other_libraries_are_understood(scheme: str) -> None:
    found = resolve_dsn(None, {"DATABASE_URL": f"{scheme}://u:p%40ss@h:5433/db?sslmode=require"})
    assert found.source == "DATABASE_URL"
    expected = {
        "user": "u",
        "password": "p@ss",
        "host": "h",
        "port": "5433",
        "dbname": "db",
        "sslmode": "require",
    }
    defaults = {"connect_timeout": CONNECT_TIMEOUT, **DEAD_AFTER}
    assert parts(found.conninfo) == expected | {name: str(value) for name, value in defaults.items()}


@pytest.mark.parametrize(
    ("url", "note"),
    [
        ("sqlite:///db.sqlite3", "DATABASE_URL names a sqlite database; ignored"),
        ("mysql+pymysql://h/db", "DATABASE_URL names a mysql database; ignored"),
        ("/some/file", "DATABASE_URL names no PostgreSQL URL; ignored"),
    ],
)
def test_other_databases_in_database_url_are_ignored_with_a_note(url: str, note: str) -> None:
    found = resolve_dsn(None, {"DATABASE_URL": url})
    assert found.is_embedded
    assert found.notes == (note,)


def test_other_databases_named_for_us_are_refused() -> None:
    with pytest.raises(InvalidDsn, match="PGFLOW_DSN is a mysql:// URL"):
        resolve_dsn(None, {"PGFLOW_DSN": "mysql://h/db"})
    with pytest.raises(InvalidDsn, match="--dsn is a mysql:// URL"):
        resolve_dsn("mysql://h/db", {})


@pytest.mark.parametrize("dsn", ["", "  ", "nonsense", "postgresql://h:port/x y", "host=h nonsense=1"])
def test_unreadable_strings_are_refused(dsn: str) -> None:
    with pytest.raises(InvalidDsn, match="--dsn") as failure:
        resolve_dsn(dsn, {})
    assert failure.value.help


@pytest.mark.parametrize("dsn", ["postgresql://u:hush hush@h/db", "postgresql://u:hush@h/x y"])
def test_passwords_are_never_repeated(dsn: str) -> None:
    with pytest.raises(InvalidDsn) as failure:
        resolve_dsn(dsn, {})
    assert "hush" not in str(failure.value)
    assert "hush" not in describe("host=h password=hush dbname=x")


def test_given_timeouts_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    assert parts(normalize("host=h connect_timeout=3"))["connect_timeout"] == "3"
    monkeypatch.setenv("PGCONNECT_TIMEOUT", "4")
    assert "connect_timeout" not in parts(normalize("host=h"))
    assert parts(normalize("host=h tcp_user_timeout=7 keepalives_idle=8")).items() >= {
        ("tcp_user_timeout", "7"),
        ("keepalives_idle", "8"),
        ("keepalives_count", "3"),
    }
    assert "tcp_user_timeout" not in parts(normalize("service=mine"))


def test_description_names_host_port_and_database(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PGHOST", "PGPORT", "PGDATABASE"):
        monkeypatch.delenv(name, raising=False)
    assert describe("host=h port=1 dbname=x") == "h:1, database x"
    assert describe("service=s") == "service s"
    assert describe("") == "the local socket"
