"""Commands without a DSN: all use the project's own server, and leave nothing running."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from tests.integration.embedded.conftest import Holder, postmaster
from tests.support.crawl import STEPS, write_contract
from tests.support.migrations import migration
from tests.support.project import Project, clean_environment
from tests.support.wait import eventually

MIGRATION = "generated/migrations/0001_crawl.sql"
INPUT = '{"urls": ["a"]}'


@pytest.fixture
def crawl(make_project: Callable[[str], Path]) -> Project:
    project = Project.make(make_project("crawl"), {})
    write_contract(project.root / "generated")
    project.write(MIGRATION, crawl_migration())
    return project


def crawl_migration(max_attempts: int = 3) -> str:
    """The flow of ``tests.support.crawl``."""
    steps = {slug: dependencies for slug, (_, dependencies) in STEPS.items()}
    return migration(steps=steps, maps={"fetch"}, max_attempts=max_attempts).text


def test_migrate_start_and_look_without_naming_a_database(crawl: Project) -> None:
    run_id = uuid4()
    crawl.ok("migrate")
    crawl.ok("start", "crawl", INPUT, "--run-id", str(run_id))
    assert str(run_id) in crawl.ok("runs", "list").stdout
    assert postmaster(crawl.root) is None


def test_changed_draft_is_recreated_there_without_asking(crawl: Project) -> None:
    crawl.ok("migrate")
    crawl.write(MIGRATION, crawl_migration(max_attempts=9))
    assert "deleted 'crawl' and its runs" in crawl.ok("migrate").stdout


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_command_that_is_told_to_end_lets_go_of_the_server(crawl: Project, number: int, code: int) -> None:
    crawl.ok("migrate")
    holder = Holder(crawl.root)
    _, conninfo = holder.ready()
    process = subprocess.Popen(
        [sys.executable, "-m", "pgflow_gen", "start", "crawl", INPUT, "--wait"],
        cwd=crawl.root,
        env=clean_environment(),
        stderr=subprocess.PIPE,
        text=True,
    )
    with psycopg.connect(conninfo, autocommit=True) as connection:
        query = "select count(*) from pgflow.announcements"
        eventually(lambda: connection.execute(query).fetchone() == (1,))
    holder.end()
    assert postmaster(crawl.root) is not None
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert (process.returncode, "Traceback" in errors) == (code, False)
    assert postmaster(crawl.root) is None


def test_client_without_a_dsn_uses_it_too(crawl: Project) -> None:
    crawl.ok("migrate")
    crawl.write(
        "use.py",
        "import asyncio\n"
        "from pgflow_runtime.client import AsyncClientBase, ClientBase\n"
        "with ClientBase.connect() as client:\n"
        "    print(type(client).__name__)\n"
        "async def use() -> None:\n"
        "    async with AsyncClientBase.connect() as client:\n"
        "        print(type(client).__name__)\n"
        "asyncio.run(use())\n",
    )
    done = crawl.python("use.py")
    assert (done.stdout.split(), done.stderr) == (["ClientBase", "AsyncClientBase"], "")
    assert postmaster(crawl.root) is None
