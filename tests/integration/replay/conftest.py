"""Runs of ``tests.support.recorded_flows`` that have ended in every way, in a database that is only read."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.support.project import Project
from tests.support.server import Server
from tests.support.wait import eventually
from tests.support.worker_lab import make_project

SOURCE = Path(__file__).parents[2] / "support" / "recorded_flows.py"


@dataclass(frozen=True)
class Recorded:
    """The project, its database and the ids of the runs by name."""

    project: Project
    dsn: str
    runs: Mapping[str, str]
    log: Path

    def export(self, name: str, folder: Path, *options: str) -> Path:
        """What the command writes, in a file of the test's own; written once a session."""
        kept = self.project.root / f"{name}{'_'.join(options).replace('/', '_')}.json"
        if not kept.exists():
            self.project.ok("runs", "export", self.runs[name], "-o", str(kept), *options, "--dsn", self.dsn)
        return Path(shutil.copy(kept, folder / f"{name}.json"))

    def changed(self, folder: Path, old: str, new: str) -> Project:
        """A copy of the project, its flows' source changed."""
        root = folder / "changed"
        shutil.copytree(self.project.root, root, ignore=shutil.ignore_patterns(".pgflow", "__pycache__"))
        file = root / "flows" / "shop.py"
        text = file.read_text()
        assert old in text
        file.write_text(text.replace(old, new))
        return Project(root)

    def calls(self) -> list[str]:
        """What handlers have noted since this was asked last."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        self.log.write_text("")
        return lines


@pytest.fixture(scope="session")
def recorded(postgres_server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recorded]:
    project = make_project(tmp_path_factory.mktemp("shop"), "shop", SOURCE)
    dsn, log = postgres_server.create_database(), project.root / "calls"
    project.ok("migrate", "--dsn", dsn)

    def order(*prices: int) -> dict[str, Any]:
        return {"log": str(log), "sku": "té", "card": {"number": "4711-4711", "pin": 99}, "prices": prices}

    inputs: dict[str, tuple[str, Any]] = {
        "paid": ("order", order(3, 10**20)),
        "broken": ("order", order(1, -2, 3)),
        "lottery": ("lottery", "a"),
        "books": ("books", "b"),
        "cancelled": ("order", order(5)),
        "climbed": ("stairs", 1),
        "exhausted": ("stairs", 0),
        "answered": ("purchase", "tea"),
        "unanswered": ("purchase", "coffee"),
    }
    with psycopg.connect(dsn, autocommit=True) as connection:

        def one(statement: str, *values: Any) -> Any:
            row = connection.execute(statement.encode(), values).fetchone()
            assert row is not None
            return row[0]

        def start(slug: str, value: Any) -> str:
            return str(one("select run_id from pgflow.start_flow(%s, %s::jsonb)", slug, json.dumps(value)))

        runs = {name: start(*given) for name, given in inputs.items()}
        connection.execute("select pgflow.cancel_runs(array[%s]::uuid[], 'unwanted')", [runs["cancelled"]])
        flows = [f"flows.shop:{slug}" for slug in ("order", "lottery", "books", "late", "purchase", "stairs")]
        with project.worker(*flows, "--dsn", dsn):
            waiting = (
                "select count(*) = 2 from pgflow.step_states where status = 'started' and step_slug = %s"
            )
            eventually(lambda: one(waiting, "approval"), 60)
            send = (
                "select outcome from pgflow.send_signals(array[%s]::uuid[], '{approval}', array[%s::jsonb])"
            )
            assert one(send, runs["answered"], '{"by": "Ada"}') == "taken"
            connection.execute(
                "update pgflow.timers set due_at = now() where kind = 'deadline' and run_id = %s",
                [runs["unanswered"]],
            )
            eventually(lambda: one(waiting, "cool_down"), 60)
            connection.execute("update pgflow.timers set due_at = now() where kind = 'sleep'")
            eventually(lambda: one("select count(*) = 0 from pgflow.runs where status = 'started'"), 60)
            runs["late"] = start("late", "c")
            eventually(lambda: one("select count(*) = 0 from pgflow.runs where status = 'started'"), 60)
            fork = one("select pgflow.fork_run(%s, array['weigh'])", runs["paid"])
            runs["forked"] = str(fork)
            eventually(
                lambda: one("select status = 'completed' from pgflow.runs where run_id = %s", fork), 60
            )
    yield Recorded(project, dsn, runs, log)
    postgres_server.drop_database(dsn)
