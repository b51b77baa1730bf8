"""A project whose handlers run on a cluster, with workers of it and a database."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from tests.support.project import Project, clean_environment
from tests.support.wait import eventually
from tests.support.worker_lab import Lab, WorkerProcess, make_project

FLOWS = Path(__file__).with_name("spread_flows.py")
MODULE = "spread"


def make_spread_project(root: Path, executor: str) -> Project:
    """A built project with the flows for one executor."""
    source = root / "source.py"
    source.write_text(FLOWS.read_text(encoding="utf-8").replace('"dask"', f'"{executor}"'), encoding="utf-8")
    return make_project(root, MODULE, source)


class SpreadLab(Lab):
    """Handlers leave lines in files of the folder."""

    @contextmanager
    def worker(self, *flows: str, **options: str) -> Iterator[WorkerProcess]:
        """As for other labs, with the patience that loading a cluster's library needs on a busy machine."""
        worker = WorkerProcess.launch(self, flows, options)
        try:
            eventually(lambda: worker.process.poll() is not None or "serving " in worker.log, timeout=180)
            yield worker.until_serving()
        finally:
            worker.clear_away()

    def lines(self, name: str) -> list[str]:
        path = self.folder / name
        return path.read_text().splitlines() if path.exists() else []

    def begin(self, flow: str, count: int = 0) -> str:
        """Start a run; returns its id."""
        return self.start(flow, {"folder": str(self.folder), "count": count})

    def cancel(self, run_id: str) -> None:
        self.sql("select * from pgflow.cancel_runs(array[%s]::uuid[])", run_id)

    def waits(self) -> int:
        """The process of the first attempt at "waiting", once it has begun."""
        eventually(lambda: self.lines("waiting"), timeout=90)
        return int(self.lines("waiting")[0].split()[1])

    def squared_by(self) -> Counter[int]:
        """How many elements each process has begun."""
        return Counter(
            int(line.split()[1]) for path in self.folder.glob("square.*") for line in self.lines(path.name)
        )

    def until_squared(self, count: int) -> None:
        """Until so many elements are done."""
        statement = "select count(*) from pgflow.step_tasks where step_slug = 'square' and output is not null"
        eventually(lambda: self.sql(statement)[0]["count"] >= count, timeout=90)

    def lost_attempts(self, run_id: str, count: int) -> int:
        """All is squared; how many attempts were in vain. None was begun that the database does not know."""
        assert self.completed(run_id, 120)["square"] == [number**2 for number in range(count)]
        tasks = [task for task in self.tasks(run_id) if task["step_slug"] == "square"]
        for task in tasks:  # one may be lost before its handler has left a line
            assert len(self.lines(f"square.{task['task_index']}")) <= task["attempts_count"]
        attempts: int = sum(task["attempts_count"] for task in tasks)
        return attempts - count

    def refused(self, *flags: str, **environment: str) -> str:
        """What a worker says that must not start."""
        command = [sys.executable, "-m", "pgflow_gen", "worker", f"flows.{MODULE}:waiting", "--dsn", self.dsn]
        done = subprocess.run(
            [*command, *flags],
            cwd=self.project.root,
            env=clean_environment() | environment,
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
        assert done.returncode == 2, done.stderr
        assert "Traceback" not in done.stderr
        return done.stderr


def kill_child(pid: int, text: str) -> None:
    """SIGKILL to the only child of a process whose command has this text."""
    (child,) = [each for each in psutil.Process(pid).children() if text in " ".join(each.cmdline())]
    child.kill()


def without(module: str, folder: Path) -> str:
    """A folder for PYTHONPATH with which a module is not to be had."""
    path = folder / "without"
    path.mkdir()
    reason = f"No module named {module!r}"
    text = f"raise ModuleNotFoundError({reason!r}, name={module!r})\n"
    (path / f"{module}.py").write_text(text)
    return str(path)


def lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
