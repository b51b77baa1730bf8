"""A flow that was changed in place leaves its older runs to nobody: whoever looks is told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.core import Core, connect
from tests.support.project import Project
from tests.support.wait import eventually

FIRST = """\
from pgflow_runtime import Flow

crawl = Flow[str]("crawl")


@crawl.step
def fetch(flow_input: str) -> str:
    return flow_input
"""
SECOND = FIRST.replace('"crawl"', '"crawl", version=2').replace("fetch", "download")


@pytest.fixture
def changed(tmp_path: Path, bare_database_dsn: str) -> Project:
    """A project whose flow has a run under way, and was then replaced by its second version."""
    project = Project.make(tmp_path, {"flows/crawl.py": FIRST})
    project.ok("build", "--no-verify")
    project.ok("release")
    project.ok("migrate", "--dsn", bare_database_dsn)
    with connect(bare_database_dsn) as connection:
        Core(connection).value("select run_id from pgflow.start_flow('crawl', '\"x\"')")
    project.write("flows/crawl.py", SECOND)
    assert "warning[PGF317]" in project.ok("build", "--no-verify").stdout
    return project


def test_open_runs_of_a_version_that_is_gone(changed: Project, bare_database_dsn: str) -> None:
    dsn = ("--dsn", bare_database_dsn)
    words = "flow 'crawl', an older version of this project's flow 'crawl_v2', has 1 open run and no worker"
    assert words in changed.ok("migrate", *dsn).stderr
    done = changed.run("doctor", *dsn, "--json")
    assert done.stdout, done.stderr
    found = json.loads(done.stdout)["findings"]
    (told,) = [item for item in found if item["code"] == "flows.foreign"]
    assert told["severity"] == "warning"
    assert (
        "flow 'crawl' is an older version of this project's flow 'crawl_v2'; it has 1 open run"
        in told["message"]
    )
    log = changed.root / "worker.log"
    with changed.worker("flows.crawl:crawl", *dsn, log=log):
        eventually(lambda: words in log.read_text())


def test_a_version_that_is_served_is_nobodys_concern(changed: Project, bare_database_dsn: str) -> None:
    with connect(bare_database_dsn) as connection:
        worker = "00000000-0000-0000-0000-000000000001"
        Core(connection).value("select pgflow.register_worker(%s, 'crawl', 'w')", worker)
    assert "no worker" not in changed.ok("migrate", "--dsn", bare_database_dsn).stderr
    changed.write("flows/first.py", FIRST)
    changed.ok("build", "--no-verify")
    with connect(bare_database_dsn) as connection:
        Core(connection).value("delete from pgflow.workers returning 1")
    assert "no worker" not in changed.ok("migrate", "--dsn", bare_database_dsn).stderr


def test_open_runs_of_several_versions_that_are_gone(tmp_path: Path, bare_database_dsn: str) -> None:
    project = Project.make(tmp_path, {"flows/crawl.py": FIRST})
    dsn = ("--dsn", bare_database_dsn)
    for number in (1, 2, 4):
        version = "" if number == 1 else f", version={number}"
        project.write(
            "flows/crawl.py",
            FIRST.replace('"crawl"', f'"crawl"{version}').replace("fetch", f"fetch_{number}"),
        )
        project.ok("build", "--no-verify")
        project.ok("release")
        told = project.ok("migrate", *dsn).stderr
        with connect(bare_database_dsn) as connection:
            for _ in range(number):
                slug = "crawl" if number == 1 else f"crawl_v{number}"
                Core(connection).value("select run_id from pgflow.start_flow(%s, '\"x\"')", slug)
    assert "flow 'crawl', an older version of this project's flow 'crawl_v4', has 1 open run and" in told
    assert "flow 'crawl_v2', an older version of this project's flow 'crawl_v4', has 2 open runs and" in told
    assert "note: flow 'crawl_v4'" not in told


def test_another_name_in_python_changes_nothing(changed: Project, bare_database_dsn: str) -> None:
    changed.write("flows/crawl.py", FIRST.replace("crawl =", "walk =").replace("@crawl", "@walk"))
    assert "PGF317" not in changed.ok("build", "--no-verify").stdout
    assert "no worker" not in changed.ok("migrate", "--dsn", bare_database_dsn).stderr
