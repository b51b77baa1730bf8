"""What plpgsql_check says about the core's functions: types, unknown columns, variables nobody uses.

The embedded server does not bring the extension. Debian's postgresql-15-plpgsql-check does, for the system's
server: ``PGFLOW_TEST_PG=15 pytest tests/sql/static``.
"""

from __future__ import annotations

import pytest

from tests.support.core import Core, Row

DYNAMIC = "result of dynamic SQL"
"""Of what a statement made of text gives the extension knows nothing, nor of the records that take it."""
FALSE_ALARMS = {
    ("set_vt_batch", 'OUT variable "'),  # filled by return query execute, which it does not look into
    ("_make_queue_functions", "text type variable is not sanitized"),  # of quoted names
}
"""Function and beginning of the message."""


@pytest.fixture
def checker(core: Core) -> Core:
    """The core in a database with the extension."""
    if not core.rows("select from pg_available_extensions where name = 'plpgsql_check'"):
        version = core.value("show server_version")
        pytest.skip(
            f"server {version} does not offer plpgsql_check; PGFLOW_TEST_PG=15 may (see the docstring)"
        )
    core.run_sql("create extension plpgsql_check")
    return core


def findings(core: Core) -> list[str]:
    found = core.rows(
        """
        select distinct p.proname as name, c.lineno, c.level, c.message, c.detail
        from pg_proc p
        join pg_language l on l.oid = p.prolang and l.lanname = 'plpgsql'
        -- what a trigger's function does depends on where it fires, and what it sees there
        left join pg_trigger t on t.tgfoid = p.oid
        cross join lateral plpgsql_check_function_tb(
          p.oid, coalesce(t.tgrelid, 0), security_warnings => true, performance_warnings => false,
          oldtable => t.tgoldtable, newtable => t.tgnewtable
        ) c
        where p.pronamespace = 'pgflow'::regnamespace
        order by 1, 2
        """
    )
    return [
        f"{row.name}, line {row.lineno}: {row.level} {row.message} {row.detail or ''}".strip()
        for row in found
        if not is_false_alarm(row, {row.name for row in found if DYNAMIC in row.message})
    ]


def is_false_alarm(found: Row, dynamic: set[str]) -> bool:
    """``dynamic``: functions that take what statements made of text give."""
    return (
        any(found.name == name and found.message.startswith(text) for name, text in FALSE_ALARMS)
        or DYNAMIC in f"{found.message} {found.detail}"
        or (found.name in dynamic and found.message.endswith("is not assigned yet"))
        or (found.detail or "").startswith('cast "text" value to')  # a literal where a variable is declared
    )


def test_nothing_is_found(checker: Core) -> None:
    found = findings(checker)
    assert not found, "\n".join(found)


def test_faults_are_found(checker: Core) -> None:
    checker.run_sql(
        """create function pgflow.faulty() returns int language plpgsql as $$
           declare v_unused int; begin return (select r.nothing from pgflow.runs r limit 1); end $$"""
    )
    assert [line.split(",")[0] for line in findings(checker)][:1] == ["faulty"]
