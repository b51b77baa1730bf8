"""``pgflow-gen migrate`` as a user types it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.core import Core, connect
from tests.support.migrations import migration
from tests.support.project import Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project = Project.make(tmp_path, {})
    project.write("generated/migrations/0001_crawl.sql", migration().text)
    return project


def test_first_and_second_time(project: Project, bare_database_dsn: str) -> None:
    first = project.ok("migrate", "--dsn", bare_database_dsn)
    assert [line.split(":")[0] for line in first.stdout.splitlines()] == ["pgmq", "core", "flow"]
    assert "applied 0001_crawl.sql" in first.stdout
    second = project.ok("migrate", "--dsn", bare_database_dsn)
    assert second.stdout == "everything is up to date\n"


def test_json_core_only_and_dry_run(project: Project, bare_database_dsn: str) -> None:
    dry = json.loads(project.ok("migrate", "--dry-run", "--json", "--dsn", bare_database_dsn).stdout)
    assert (dry["flows"], dry["dry_run"]) == (["0001_crawl.sql"], True)
    core = json.loads(project.ok("migrate", "--core-only", "--json", "--dsn", bare_database_dsn).stdout)
    assert (bool(core["core"]), core["flows"]) == (True, [])


def test_changed_draft_is_refused_until_the_database_is_one_for_development(
    project: Project, bare_database_dsn: str
) -> None:
    project.ok("migrate", "--dsn", bare_database_dsn)
    project.write("generated/migrations/0001_crawl.sql", migration(max_attempts=9).text)
    refused = project.run("migrate", "--dsn", bare_database_dsn)
    assert refused.returncode == 1
    assert "help: restore the file" in refused.stderr
    done = project.ok("migrate", "--development", "--dsn", bare_database_dsn)
    assert "deleted 'crawl' and its runs" in done.stdout
    with connect(bare_database_dsn) as connection:
        assert Core(connection).value("select opt_max_attempts from pgflow.flows") == 9


def test_project_without_flows_gets_the_core_and_a_note(tmp_path: Path, bare_database_dsn: str) -> None:
    done = Project.make(tmp_path, {}).ok("migrate", "--dsn", bare_database_dsn)
    assert "there are no flow migrations" in done.stderr
    assert "pgflow-gen build" in done.stderr


def test_migrations_in_a_folder_of_the_users(tmp_path: Path, bare_database_dsn: str) -> None:
    project = Project.make(tmp_path, {}, 'migrations = "db"\nstyle = "dbmate"\n')
    project.write(
        "db/20240101000000_crawl.sql", f"-- migrate:up\n{migration().text}\n-- migrate:down\nselect 1/0;\n"
    )
    assert "applied 20240101000000_crawl.sql" in project.ok("migrate", "--dsn", bare_database_dsn).stdout


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--dsn", "postgresql://localhost:1/none"), 1, "cannot reach localhost:1, database none"),
        (("--dsn", "mysql://localhost/none"), 2, "--dsn is a mysql:// URL"),
        (("--dsn", ""), 2, "--dsn is empty"),
        (("--nonsense",), 2, "No such option"),
    ],
)
def test_mistakes_get_a_sentence(project: Project, arguments: tuple[str, ...], code: int, words: str) -> None:
    done = project.run("migrate", *arguments)
    assert words in done.stderr
    assert done.returncode == code


def test_broken_configuration_is_named(project: Project) -> None:
    project.write("pyproject.toml", "[tool.pgflow-gen]\nout = 3\n")
    done = project.run("migrate", "--dsn", "postgresql://localhost:1/none")
    assert done.returncode == 2
    assert "must be a string" in done.stderr
