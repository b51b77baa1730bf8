"""Migrating a database: everything or nothing, once, and never what is not ours."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from pgflow_runtime.errors import (
    ConnectionFailed,
    CoreTooNew,
    ForeignSchema,
    MigrationChanged,
    MigrationFailed,
    PermissionDenied,
    PgmqTooOld,
    ShapeMismatch,
)
from pgflow_runtime.migrate import migrate
from pgflow_runtime.migrate.files import FlowMigration
from pgflow_sql import SCHEMA_VERSION, migration_files
from tests.support.core import Core, connect
from tests.support.migrations import migration

CORE = [file.name for file in migration_files()]
Look = Callable[[], set[str]]


def test_empty_database_gets_queue_core_and_flows_and_runs_them(bare_database_dsn: str) -> None:
    report = migrate(bare_database_dsn, (migration(), migration("0002_other.sql", "other")))
    assert report.pgmq.startswith("bundled SQL 1.") or report.pgmq.startswith("extension ")
    assert report.core == CORE
    assert report.flows == ["0001_crawl.sql", "0002_other.sql"]
    with connect(bare_database_dsn) as connection:
        core = Core(connection)
        run = core.start_flow("crawl", {})
        core.work("crawl", [1])
        core.work("crawl", 2)
        assert core.run(run.run_id).output == {"fetch": 2}
        kinds = [
            (row.kind, row.name) for row in core.rows("select * from pgflow.migrations order by kind, name")
        ]
    assert kinds == [
        *(("core", name) for name in CORE),
        ("flow", "0001_crawl.sql"),
        ("flow", "0002_other.sql"),
    ]


def test_repeating_changes_nothing(bare_database_dsn: str) -> None:
    migrate(bare_database_dsn, (migration(),))
    with connect(bare_database_dsn) as connection:
        Core(connection).start_flow("crawl", {})
        before = connection.execute("select * from pgflow.migrations order by name").fetchall()
    report = migrate(bare_database_dsn, (migration(),))
    assert report.is_empty
    with connect(bare_database_dsn) as connection:
        assert connection.execute("select * from pgflow.migrations order by name").fetchall() == before
        assert Core(connection).value("select count(*) from pgflow.runs") == 1


def test_core_only_then_the_flows(bare_database_dsn: str) -> None:
    assert migrate(bare_database_dsn).flows == []
    report = migrate(bare_database_dsn, (migration(),))
    assert (report.core, report.flows) == ([], ["0001_crawl.sql"])


def test_several_at_once_queue_up_and_one_does_the_work(bare_database_dsn: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        reports = list(pool.map(lambda _: migrate(bare_database_dsn, (migration(),)), range(4)))
    assert sorted(len(report.core) for report in reports) == [0, 0, 0, len(CORE)]
    assert sorted(len(report.flows) for report in reports) == [0, 0, 0, 1]


def test_dry_run_tells_all_and_leaves_nothing(bare_database_dsn: str, content: Look) -> None:
    report = migrate(bare_database_dsn, (migration(),), dry_run=True)
    assert (report.core, report.flows) == (CORE, ["0001_crawl.sql"])
    assert content() == set()


def test_failing_flow_migration_leaves_nothing_of_anything(bare_database_dsn: str, content: Look) -> None:
    broken = FlowMigration(
        "0002_bad.sql", "begin;\nselect 1;\nselect pgflow.add_step('nope', 'x');\ncommit;\n"
    )
    with pytest.raises(MigrationFailed, match=r"0002_bad\.sql: .*foreign key.*nothing was changed"):
        migrate(bare_database_dsn, (migration(), broken))
    assert content() == set()
    wrong = FlowMigration("0002_bad.sql", "select 1;\n\nselekt 2;\n")
    with pytest.raises(MigrationFailed, match=r"0002_bad\.sql, line 3: syntax error"):
        migrate(bare_database_dsn, (migration(), wrong))
    assert content() == set()


def test_applied_file_that_changed_is_refused_with_a_way_out(bare_database_dsn: str) -> None:
    migrate(bare_database_dsn, (migration(),))
    changed = migration(max_attempts=4)
    with pytest.raises(
        MigrationChanged, match=r"0001_crawl\.sql was applied .* with another content"
    ) as failure:
        migrate(bare_database_dsn, (changed, migration("0002_other.sql", "other")))
    assert "version=2" in (failure.value.help or "")
    assert "--development" in (failure.value.help or "")
    with connect(bare_database_dsn) as connection:
        assert Core(connection).value("select array_agg(flow_slug) from pgflow.flows") == ["crawl"]


def test_line_ends_are_no_change(bare_database_dsn: str) -> None:
    migrate(bare_database_dsn, (migration(),))
    windows = FlowMigration("0001_crawl.sql", migration().text.replace("\n", "\r\n"))
    assert migrate(bare_database_dsn, (windows,)).is_empty


def test_development_recreates_changed_flows_and_spares_the_others(bare_database_dsn: str) -> None:
    other = migration("0002_other.sql", "other")
    migrate(bare_database_dsn, (migration(), other), mark=True, development=True)
    with connect(bare_database_dsn) as connection:
        core = Core(connection)
        core.start_flow("crawl", {})
        kept = core.start_flow("other", {})
    changed = migration(steps={"urls": [], "load": ["urls"]}, max_attempts=4)
    report = migrate(bare_database_dsn, (changed, other))  # the mark is remembered
    assert (report.flows, report.recreated) == (["0001_crawl.sql"], ["crawl"])
    with connect(bare_database_dsn) as connection:
        core = Core(connection)
        assert [row.run_id for row in core.rows("select run_id from pgflow.runs")] == [kept.run_id]
        steps = core.rows("select step_slug from pgflow.steps where flow_slug = 'crawl' order by 1")
        assert [row.step_slug for row in steps] == ["load", "urls"]
        run = core.start_flow("crawl", {})
        core.work("crawl", 1)
        assert core.statuses(run.run_id) == {"urls": "completed", "load": "started"}
    assert migrate(bare_database_dsn, (changed, other)).is_empty


def test_new_migration_for_a_flow_that_is_another_one_there_is_refused(bare_database_dsn: str) -> None:
    migrate(bare_database_dsn, (migration(),))
    theirs = migration("0001_theirs.sql", steps={"urls": [], "load": ["urls"]})
    with pytest.raises(ShapeMismatch, match="already holds a flow 'crawl' with other steps"):
        migrate(bare_database_dsn, (theirs,))
    with connect(bare_database_dsn) as connection:
        assert Core(connection).value("select count(*) from pgflow.steps") == 2
    same = FlowMigration("0009_same.sql", migration().text)
    assert migrate(bare_database_dsn, (same,)).flows == ["0009_same.sql"]


def test_schema_that_is_not_ours_is_refused_and_left_alone(bare_database_dsn: str, content: Look) -> None:
    with connect(bare_database_dsn) as connection:
        connection.execute("create schema pgflow")
        connection.execute("create table pgflow.flows (flow_slug text primary key)")
    before = content()
    with pytest.raises(ForeignSchema, match="not ours") as failure:
        migrate(bare_database_dsn)
    assert failure.value.help
    assert content() == before


def test_empty_schema_made_for_us_is_used(bare_database_dsn: str) -> None:
    with connect(bare_database_dsn) as connection:
        connection.execute("create schema pgflow")
        connection.execute("create schema pgmq")
    assert migrate(bare_database_dsn).core == CORE


def test_newer_database_is_refused(bare_database_dsn: str) -> None:
    migrate(bare_database_dsn)
    with connect(bare_database_dsn) as connection:
        connection.execute(
            "create or replace function pgflow.schema_version() returns int language sql as 'select 99'"
        )
    with pytest.raises(CoreTooNew, match=f"version 99 .* this program knows {SCHEMA_VERSION}") as failure:
        migrate(bare_database_dsn)
    assert "pip install --upgrade" in (failure.value.help or "")


def test_core_of_another_content_is_refused(bare_database_dsn: str) -> None:
    migrate(bare_database_dsn)
    with connect(bare_database_dsn) as connection:
        connection.execute("update pgflow.migrations set digest = 'sha256:0' where kind = 'core'")
    with pytest.raises(MigrationChanged, match=CORE[0]):
        migrate(bare_database_dsn)


def test_core_that_another_tool_installed_is_taken_over(plain_database_dsn: str) -> None:
    report = migrate(plain_database_dsn, (migration(),))
    assert (report.pgmq, report.core, report.flows) == ("present", [], ["0001_crawl.sql"])
    assert any("another tool" in note for note in report.notes)
    assert migrate(plain_database_dsn, (migration(),)).notes == []


def test_user_without_privileges_learns_which_and_nothing_is_left(
    bare_database_dsn: str, other_user: str, content: Look
) -> None:
    with pytest.raises(PermissionDenied, match="permission denied") as failure:
        migrate(other_user)
    assert failure.value.help
    assert content() == set()


def test_user_who_is_no_superuser_suffices(bare_database_dsn: str, other_user: str) -> None:
    names = conninfo_to_dict(other_user)
    with connect(bare_database_dsn) as connection:
        connection.execute(f"grant create on database {names['dbname']} to {names['user']}".encode())
    assert migrate(other_user, (migration(),)).flows == ["0001_crawl.sql"]
    with connect(other_user) as connection:
        assert Core(connection).start_flow("crawl", {}).status == "started"


def test_odd_settings_of_the_database_do_not_matter(bare_database_dsn: str) -> None:
    name = conninfo_to_dict(bare_database_dsn)["dbname"]
    with connect(bare_database_dsn) as connection:
        connection.execute("create schema trap")
        connection.execute(
            "create function trap.now() returns timestamptz language sql as 'select null::timestamptz'"
        )
        connection.execute(f"alter database {name} set search_path = trap, pg_catalog".encode())
        connection.execute(
            f"alter database {name} set default_transaction_isolation = 'serializable'".encode()
        )
    with ThreadPoolExecutor(2) as pool:
        reports = list(pool.map(lambda _: migrate(bare_database_dsn, (migration(),)), range(2)))
    assert sorted(len(report.flows) for report in reports) == [0, 1]


def test_server_that_is_not_there() -> None:
    with pytest.raises(ConnectionFailed, match="localhost:1") as failure:
        migrate("host=localhost port=1 password=hush")
    assert "hush" not in str(failure.value)


def test_database_that_is_not_there(bare_database_dsn: str) -> None:
    with pytest.raises(ConnectionFailed, match=r"has no database nowhere"):
        migrate(make_conninfo(bare_database_dsn, dbname="nowhere"))


def test_old_pgmq_is_refused(bare_database_dsn: str, content: Look) -> None:
    with connect(bare_database_dsn) as connection:
        connection.execute("create schema pgmq")
        connection.execute("create type pgmq.message_record as (msg_id bigint, read_ct int, message jsonb)")
    before = content()
    with pytest.raises(PgmqTooOld, match=r"needs 1\.5"):
        migrate(bare_database_dsn)
    assert content() == before
