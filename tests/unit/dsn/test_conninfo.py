"""Connection strings as people and other tools write them: nothing of a password is ever repeated."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg import OperationalError

from pgflow_runtime.database.dsn import describe, normalize
from pgflow_runtime.database.store import from_psycopg
from pgflow_runtime.errors import InvalidDsn

SECRETS = [
    *("qq@zz", "qq/zz", "qq%zz", "qq#zz", "qq?zz", "qq zz", "qq?z=zz", "qq:zz", "qq@z/z#zz%zz"),
    *("@@qq", "qq[zz", "qq&zz", "qq'zz", "%zzqq", "qq\\zz"),
]
FORMS = [
    "postgresql://user:{}@localhost:1/base",
    "postgres://user:{}@localhost/base?sslmode=require",
    "postgresql+asyncpg://user:{}@localhost:1",
    "postgresql://localhost/base?user=u&password={}",
    "host=localhost password={} dbname=base",
    "user:{}@localhost/base",
]


def said(dsn: str) -> str:
    """All that is shown of a string: the refusal with its help, or where it leads and how that failed."""
    try:
        conninfo = normalize(dsn, source="--dsn")
    except InvalidDsn as error:
        return f"{error} {error.help}"
    failure = from_psycopg(OperationalError(f"connection to {conninfo} failed"), conninfo)
    return f"{describe(conninfo)} {failure}"


def parts(sezz: str) -> set[str]:
    """The pieces of a sezz that a parser may tear it into."""
    for sign in "@/%#?:&=[' \\":
        sezz = sezz.replace(sign, " ")
    return {part for part in sezz.split() if len(part) > 1}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("sezz", SECRETS)
def test_no_part_of_a_password_is_repeated(form: str, sezz: str) -> None:
    shown = said(form.format(sezz)).replace("postgresql://user:password@host:5432/database", "")
    assert not [part for part in parts(sezz) if part in shown], shown


@given(st.text("@/%#?:&= '\\", max_size=4), st.text("@/%#?:&= '\\", max_size=4), st.sampled_from(FORMS))
def test_no_part_of_any_password_is_repeated(first: str, second: str, form: str) -> None:
    shown = said(form.format(f"qq{first}zz{second}xx"))
    assert not [part for part in ("qq", "zz", "xx") if part in shown], shown


@pytest.mark.parametrize("secret", ["qq", "qq/zz", "qq?zz", "qq#zz", "qq?zz=1", "1?qq@zz"])
def test_a_forgotten_host_does_not_make_a_port_of_the_password(secret: str) -> None:
    shown = said(f"postgresql://user:{secret}")
    assert not [part for part in parts(secret) if part in shown], shown


@pytest.mark.parametrize("sign", "@/%?")
def test_the_raw_character_is_named(sign: str) -> None:
    with pytest.raises(InvalidDsn, match=f"a raw [{sign}] in its user or password") as failure:
        normalize(f"postgresql://user:se{sign}zz@localhost/base")
    assert failure.value.help is not None
    assert "%40" in failure.value.help


@pytest.mark.parametrize(
    ("query", "message", "help"),
    [
        ("schema=public", "schema is a parameter of Prisma", "drop schema=..."),
        ("sslmode=require&pgbouncer=true", "pgbouncer is a parameter of Prisma", "drop pgbouncer=..."),
        ("connection_limit=5", "connection_limit is a parameter of Prisma", "drop connection_limit=..."),
        ("currentSchema=x", "currentSchema is a parameter of JDBC", "drop currentSchema=..."),
        ("applicaton_name=x", "no parameter of PostgreSQL", "or write application_name"),
        ("sslmode=no-verify", "sslmode=no-verify is none of disable", "did you mean sslmode=require?"),
        ("sslmode=Verify_Full", "sslmode=Verify_Full is none of", "did you mean sslmode=verify-full?"),
    ],
)
def test_parameters_of_other_tools_are_named(query: str, message: str, help: str) -> None:
    for dsn in (f"postgresql://u:p@localhost/base?{query}", f"host=localhost {query.replace('&', ' ')}"):
        with pytest.raises(InvalidDsn) as failure:
            normalize(dsn)
        assert message in str(failure.value)
        assert help in str(failure.value.help)


@pytest.mark.parametrize(
    "scheme", ["postgresql+psycopg2", "postgresql+asyncpg", "postgres+psycopg", "POSTGRES"]
)
def test_drivers_in_the_scheme_are_read_over(scheme: str) -> None:
    assert describe(normalize(f"{scheme}://u:p@localhost:1/base")) == "localhost:1, database base"


def test_a_jdbc_url_is_called_one() -> None:
    with pytest.raises(InvalidDsn, match="is a JDBC URL") as failure:
        normalize("jdbc:postgresql://localhost/base?user=u&password=sezz")
    assert "drop jdbc:" in str(failure.value.help)


def test_a_missing_database_is_not_a_missing_server() -> None:
    error = OperationalError('connection failed: FATAL:  database "base" does not exist')
    failure = from_psycopg(error, normalize("postgresql://u:p@localhost:5433/base"))
    assert "it has no database base" in str(failure)
    assert "cannot reach" not in str(failure)
    assert "createdb -h localhost -p 5433 -U u base" in str(failure.help)


def test_what_libpq_reads_stays_as_it_is() -> None:
    for sezz, written in {"a@b/c": "a%40b%2Fc", "a#b": "a#b", "a:b": "a:b"}.items():
        assert f"password='{sezz}'" in normalize(f"postgresql://u:{written}@h/d") or f"password={sezz}" in (
            normalize(f"postgresql://u:{written}@h/d")
        )
    assert "user=a@b" in normalize("postgresql://h:5432/d?user=a@b")
