"""A project whose flows do what worker tests need, a database with them, and worker processes.

Handlers and tests meet through files in a folder that comes with a run's input: a handler makes a file when
it has begun, and goes on when the test has made another.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row

from tests.support.project import Project, clean_environment
from tests.support.server import Server
from tests.support.wait import eventually

FLOWS = Path(__file__).with_name("worker_lab_flows.py")
ALL = (
    "chain",
    "fan",
    "steer",
    "held",
    "patient",
    "ledger",
    "facts",
    "delayed",
    "hasty",
    "tight",
    "forking",
    "siblings",
    "strict",
    "poll",
    "figures",
    "truth",
    "shared",
    "asking",
)


def ledger_template(server: Server, project: Project) -> str:
    """A database into which the project was migrated, with a table for its handlers; tests get copies."""
    dsn = server.create_database()
    project.ok("migrate", "--dsn", dsn)
    with psycopg.connect(dsn) as connection:
        connection.execute("create table public.ledger (note text)")
    return dsn


def make_project(root: Path, module: str = "lab", source: Path = FLOWS) -> Project:
    """A built project with the lab's flows, or those of another file."""
    project = Project.make(root, {f"flows/{module}.py": source.read_text(encoding="utf-8")})
    project.ok("build", "--no-verify")
    return project


@dataclass(frozen=True)
class Lab:
    """The project together with a database of its own."""

    project: Project
    dsn: str
    folder: Path
    """Where handlers and the test leave files for each other."""
    module: str = "lab"
    """The module in flows/ whose flows are served."""

    def sql(self, statement: str, *parameters: Any) -> list[dict[str, Any]]:
        with psycopg.connect(self.dsn, row_factory=dict_row) as connection:
            cursor = connection.execute(statement.encode(), parameters or None)
            return cursor.fetchall() if cursor.description else []

    def start(self, flow: str, value: Any) -> str:
        """Start a run; returns its id."""
        (row,) = self.sql("select run_id from pgflow.start_flow(%s, %s::jsonb)", flow, json.dumps(value))
        return str(row["run_id"])

    def run(self, run_id: str) -> dict[str, Any]:
        return self.sql("select * from pgflow.runs where run_id = %s", run_id)[0]

    def tasks(self, run_id: str) -> list[dict[str, Any]]:
        return self.sql(
            "select * from pgflow.step_tasks where run_id = %s order by step_slug, task_index", run_id
        )

    def task(self, run_id: str) -> dict[str, Any]:
        """The run's only task."""
        (task,) = self.tasks(run_id)
        return task

    def ended(self, run_id: str, timeout: float = 30) -> dict[str, Any]:
        """The run once it has ended."""

        def probe() -> dict[str, Any] | None:
            row = self.run(run_id)
            return row if row["status"] != "started" else None

        row = eventually(probe, timeout)
        assert row is not None
        return row

    def silence(self, where: str, *values: object) -> None:
        """Move the last signs of life of some workers a minute back: nobody waits that long here."""
        # the runs first and by id, as the core takes them: workers live on while this is written
        self.sql(
            f"with silent as materialized (select worker_id from pgflow.workers where {where}),"
            " held as materialized (select r.run_id from pgflow.runs r where r.run_id in"
            " (select t.run_id from pgflow.step_tasks t join silent s on s.worker_id = t.last_worker_id"
            " where t.status = 'started') order by r.run_id for no key update),"
            " moved as (update pgflow.step_tasks t set queued_at = t.queued_at - interval '1 minute',"
            " started_at = t.started_at - interval '1 minute'"
            " from held h, silent s where t.run_id = h.run_id and t.last_worker_id = s.worker_id"
            " and t.status = 'started')"
            " update pgflow.workers w set last_heartbeat_at = w.last_heartbeat_at - interval '1 minute'"
            " from silent s where w.worker_id = s.worker_id",
            *values,
        )

    def time_passes(self, step: str, of_runs: int) -> None:
        """Let the tasks of a step that wait for a time be due, once they wait in so many runs."""
        where = "kind = 'wait' and step_slug = %s"
        eventually(lambda: len(self.sql(f"select 1 from pgflow.timers where {where}", step)) == of_runs)
        self.sql(f"update pgflow.timers set due_at = clock_timestamp() where {where}", step)

    def completed(self, run_id: str, timeout: float = 30) -> Any:
        """The output of a run that must complete."""
        row = self.ended(run_id, timeout)
        errors = [task["error_message"] for task in self.tasks(run_id) if task["error_message"]]
        assert row["status"] == "completed", errors
        return row["output"]

    def failed(self, run_id: str) -> str:
        """The error message of a run's only task, which must fail."""
        assert self.ended(run_id)["status"] == "failed"
        return str(self.task(run_id)["error_message"])

    def begun(self, *names: str) -> None:
        """Wait until handlers have made these files."""
        for name in names:
            eventually(lambda name=name: (self.folder / name).exists())  # type: ignore[misc]

    def until_idle(self, flow: str) -> None:
        """Wait until a worker of the flow has announced that it waits for notifications."""
        eventually(
            lambda: self.sql("select 1 from pgflow.announcements where channel = %s", f"pgflow_work_{flow}")
        )

    def let_go(self, name: str) -> None:
        """Make a file a handler waits for."""
        (self.folder / name).touch()

    @contextmanager
    def worker(self, *flows: str, **options: str) -> Iterator[WorkerProcess]:
        """A running worker; killed at the end if the test has not ended it."""
        worker = WorkerProcess.launch(self, flows or ALL, options)
        try:
            yield worker.until_serving()
        finally:
            worker.clear_away()


class WorkerProcess:
    """``pgflow-gen worker`` as a process of its own, its log in a file."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self.process = process
        self._log = log

    @classmethod
    def launch(
        cls,
        lab: Lab,
        flows: Sequence[str],
        options: Mapping[str, str],
        *,
        prefix: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
    ) -> WorkerProcess:
        """``prefix``: a command that runs the worker, such as ``ip netns exec NAME``."""
        flags = [f"--{name.replace('_', '-')}={value}" for name, value in options.items() if value]
        flags += [f"--{name.replace('_', '-')}" for name, value in options.items() if not value]
        log = lab.folder / f"worker-{len(list(lab.folder.glob('worker-*')))}.log"
        names = [f"flows.{lab.module}:{flow}" for flow in flows]
        with log.open("wb") as sink:
            process = subprocess.Popen(
                [*prefix, sys.executable, "-m", "pgflow_gen", "worker", *names, "--dsn", lab.dsn, *flags],
                cwd=lab.project.root,
                env=clean_environment() | dict(environment or {}),
                stdout=sink,
                stderr=subprocess.STDOUT,
            )
        return cls(process, log)

    @property
    def log(self) -> str:
        return self._log.read_text(encoding="utf-8")

    def until_serving(self) -> WorkerProcess:
        return self.until_logged("serving ")

    def until_logged(self, text: str) -> WorkerProcess:
        """Wait for a text in the log; fails when the process ends without it."""

        def probe() -> bool:
            has_ended = self.process.poll() is not None
            if text in self.log:
                return True
            if has_ended:
                raise RuntimeError(f"the worker ended with {self.process.returncode}:\n{self.log}")
            return False

        eventually(probe)
        return self

    def signal(self, number: signal.Signals = signal.SIGTERM) -> None:
        self.process.send_signal(number)

    def exit_code(self, timeout: float = 90) -> int:
        """Wait for the end; a traceback of our own making in the log is a failure."""
        try:
            code = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"the worker does not end:\n{self.log}") from None
        assert "Traceback" not in self.log, self.log
        return code

    def stop(self) -> int:
        self.signal()
        return self.exit_code()

    def clear_away(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
