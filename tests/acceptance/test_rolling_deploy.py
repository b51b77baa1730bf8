"""A new release of project and core goes live while runs go on, as docs/guides/deploying.md has it.

Old and new are programs of their own: environments with the lean wheel of each release, and folders with what
each image would hold.
"""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from pgflow_sql import SCHEMA_VERSION
from tests.acceptance.conftest import LeanEnvironment
from tests.support.distributions import LEAN, build_wheel, copy_dependencies, install, python
from tests.support.project import REPOSITORY, Project, clean_environment
from tests.support.wait import eventually

ORDER = '''\
import os
import time
from typing import TypedDict

from pgflow_runtime import Flow


class Order(TypedDict):
    number: int
    gate: str


order = Flow[Order]("order", timeout=600)


@order.step
def reserve(flow_input: Order) -> int:
    """Takes as long as a file is not there: something is under way when the deploy comes."""
    while flow_input["gate"] and not os.path.exists(flow_input["gate"]):
        time.sleep(0.02)
    return flow_input["number"]


@order.step
def charge(reserve: int) -> int:
    return reserve * 100
'''
TAX = """

@order.step
def tax(charge: int) -> int:
    return charge * 19 // 100
"""
NEXT = SCHEMA_VERSION + 1
MIGRATION = f"""\
alter table pgflow.runs add column note text;
create or replace function pgflow.schema_version() returns int language sql immutable
set search_path = pg_catalog, pg_temp as $$ select {NEXT} $$;
"""


@dataclass(frozen=True)
class Release:
    """An image: an environment, and the project's folder in it."""

    command: str
    folder: Path
    dsn: str

    def call(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.command, *arguments, "--dsn", self.dsn], cwd=self.folder, env=clean_environment(),
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip

    def run(self, *arguments: str) -> str:
        done = self.call(*arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.strip()

    def start(self, number: int, gate: str = "") -> str:
        return self.run("start", "order", json.dumps({"number": number, "gate": gate}))


class Worker:
    def __init__(self, release: Release, *flows: str) -> None:
        self._log = release.folder / f"worker-{len(list(release.folder.glob('worker-*')))}.log"
        with self._log.open("w") as sink:
            self._process = subprocess.Popen(
                [release.command, "worker", *flows, "--dsn", release.dsn],
                cwd=release.folder, env=clean_environment(), stdout=sink, stderr=sink,
            )  # fmt: skip
        eventually(lambda: "serving" in self.log or self._process.poll() is not None)
        assert self._process.poll() is None, self.log

    @property
    def log(self) -> str:
        return self._log.read_text(encoding="utf-8")

    def terminate(self) -> None:
        self._process.send_signal(signal.SIGTERM)

    def ended(self) -> int:
        return self._process.wait(60)

    def clear_away(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()


@pytest.fixture(scope="session")
def next_lean(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The lean distribution of the release after: one more migration of the core."""
    folder = tmp_path_factory.mktemp("next")
    ignore = shutil.ignore_patterns("__pycache__")
    for name in ("runtime", "sql"):
        shutil.copytree(REPOSITORY / name, folder / name, ignore=ignore)
    shutil.copy(REPOSITORY / "LICENSE", folder)
    description = folder / LEAN.name / "pyproject.toml"
    text = re.sub(r'(?m)^version = ".*"$', 'version = "99.0"', description.read_text(encoding="utf-8"))
    description.write_text(text, encoding="utf-8")
    migration = folder / "sql" / "pgflow_sql" / "migrations" / f"{NEXT:04}_next.sql"
    migration.write_text(MIGRATION, encoding="utf-8")
    wheel = build_wheel(folder / LEAN.name, folder)
    python("-m", "venv", "--without-pip", f"{folder}/venv")
    copy_dependencies(wheel, install(folder / "venv", wheel))
    return f"{folder}/venv/bin/pgflow-gen"


@pytest.fixture
def old(lean: LeanEnvironment, bare_database_dsn: str, tmp_path: Path) -> Release:
    project = Project.make(tmp_path / "old", {"flows/order.py": ORDER})
    project.ok("build", "--no-verify")
    project.ok("release")
    return Release(lean.command, project.root, bare_database_dsn)


@pytest.fixture
def new(old: Release, next_lean: str, tmp_path: Path) -> Release:
    """Version 2 has one step more, and stands beside version 1."""
    shutil.copytree(old.folder, tmp_path / "new")
    project = Project(tmp_path / "new")
    project.write("flows/order_v2.py", ORDER.replace('"order", ', '"order", version=2, ') + TAX)
    project.ok("build", "--no-verify")
    return Release(next_lean, project.root, old.dsn)


@pytest.fixture
def workers() -> Iterator[list[Worker]]:
    found: list[Worker] = []
    yield found
    for worker in found:
        worker.clear_away()


def test_a_release_with_a_new_core_goes_live_while_runs_go_on(
    old: Release, new: Release, workers: list[Worker], tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    both = ("flows.order:order", "flows.order_v2:order")

    # the old release is at work
    old.run("migrate")
    workers += [Worker(old, "flows.order:order") for _ in range(2)]
    under_way = [old.start(number, f"{gate}") for number in (1, 2, 3)]
    with psycopg.connect(old.dsn, autocommit=True) as connection:

        def result(run: str) -> tuple[str, object] | None:
            found = "select status, output from pgflow.runs where run_id = %s"
            return connection.execute(found, [run]).fetchone()

        at_work = "select count(*) from pgflow.step_tasks where status = 'started'"
        eventually(lambda: connection.execute(at_work).fetchone() == (3,))

        # 1. migrate, from the new image: nobody is stopped, and nobody has to be
        assert f"{NEXT:04}_next.sql" in new.run("migrate", "--dry-run") + new.run("migrate", "--verbose")
        version = connection.execute("select pgflow.schema_version()").fetchone()
        assert version == (NEXT,)
        meanwhile = old.start(4)
        eventually(lambda: result(meanwhile) == ("completed", {"charge": 400}))

        # 2. one new worker, then one old one less; and again
        workers.append(Worker(new, *both))
        workers[0].terminate()
        gate.touch()
        between = old.start(5)  # by a service of the old release: version 1
        assert workers[0].ended() == 0
        workers.append(Worker(new, *both))
        workers[1].terminate()
        assert workers[1].ended() == 0

        # 3. what starts runs, last
        late = new.start(6)
        eventually(lambda: result(late) == ("completed", {"tax": 114}))
        for number, run in [*enumerate(under_way, 1), (4, meanwhile), (5, between)]:
            done = ("completed", {"charge": number * 100})
            eventually(lambda run=run, done=done: result(run) == done)  # type: ignore[misc]
        twice = "select count(*) from pgflow.step_tasks where attempts_count <> 1"
        assert connection.execute(twice).fetchone() == (0,)

    # a migrate job of the old image that comes late changes nothing, and says which side to upgrade
    late_job = old.call("migrate")
    assert late_job.returncode == 1
    assert "upgrade the package: pip install --upgrade pgflow-gen (or pgflow-runtime)" in late_job.stderr

    for worker in workers[2:]:
        worker.terminate()
        assert worker.ended() == 0
    assert "ERROR" not in "".join(worker.log for worker in workers)
