"""The core on a server that has nothing of Supabase: no events, everything else works."""

from __future__ import annotations

from tests.support.core import Core, connect


def test_a_run(plain_database_dsn: str) -> None:
    with connect(plain_database_dsn) as connection:
        core = Core(connection)
        core.flow("f", "a", "m:map < a", "end < m")
        run = core.start_flow("f", {"x": 1})
        core.work("f", [1, 2])
        core.work("f", "p")
        core.work("f", "q")
        assert core.work("f", 9).input == {"m": ["p", "q"]}
        assert core.run(run.run_id).output == {"end": 9}


def test_failures_and_skips(plain_database_dsn: str) -> None:
    with connect(plain_database_dsn) as connection:
        core = Core(connection)
        core.create_flow("f", max_attempts=1)
        core.add_step("f", "a", [], when_exhausted="skip-cascade")
        core.add_step("f", "b", ["a"])
        core.add_step("f", "c")
        run = core.start_flow("f", {})
        core.poll("f", 2)
        core.fail_task(run.run_id, "a")
        core.fail_task(run.run_id, "c")
        assert core.run(run.run_id).status == "failed"


def test_nothing_is_made_in_foreign_schemas(plain_database_dsn: str) -> None:
    with connect(plain_database_dsn) as connection:
        core = Core(connection)
        found = core.rows(
            "select nspname from pg_namespace where nspname in ('realtime', 'vault', 'net', 'cron')"
        )
        assert found == []
        owned = core.rows(
            """select p.oid::regprocedure::text as name from pg_proc p
               where pronamespace = 'public'::regnamespace"""
        )
        assert owned == []


def test_a_sender_that_appears_later_is_used(plain_database_dsn: str) -> None:
    with connect(plain_database_dsn) as connection:
        core = Core(connection)
        core.flow("f", "a")
        core.start_flow("f")
        core.run_sql("create schema realtime")
        core.run_sql("create table realtime.messages (id bigint generated always as identity, event text)")
        core.run_sql(
            """create function realtime.send(payload jsonb, event text, topic text, private boolean)
               returns void language sql as 'insert into realtime.messages (event) values ($2)'"""
        )
        core.work("f", 1)
        events = [row.event for row in core.rows("select event from realtime.messages order by id")]
        assert events == ["step:a:completed", "run:completed"]
