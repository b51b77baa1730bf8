"""Two versions of the code before one database: the stale one refuses to work, and says why."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.project import Project
from tests.support.server import Server
from tests.support.worker_lab import Lab, WorkerProcess, make_project

OLD = """
from pgflow_runtime import Flow

news = Flow[int]("news")


@news.step
def gather(flow_input: int) -> int:
    return flow_input + 1


@news.step
def send(gather: int) -> int:
    return gather * 2
"""
NEW = (
    OLD.replace("def send(gather: int)", "def send(edit: int)").replace("return gather", "return edit")
    + """

@news.step
def edit(gather: int) -> int:
    return gather + 10
"""
)


def _project(root: Path, source: str) -> Project:
    file = root.with_suffix(".py")
    file.write_text(source, encoding="utf-8")
    return make_project(root, "news", file)


@pytest.fixture(scope="module")
def projects(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Project]:
    folder = tmp_path_factory.mktemp("versions")
    return {name: _project(folder / name, source) for name, source in {"old": OLD, "new": NEW}.items()}


@pytest.mark.parametrize(("database", "stale"), [("new", "old"), ("old", "new")])
def test_the_stale_version_refuses_with_the_difference(
    postgres_server: Server, projects: dict[str, Project], tmp_path: Path, database: str, stale: str
) -> None:
    dsn = postgres_server.create_database()
    projects[database].ok("migrate", "--dsn", dsn)
    right, wrong = (Lab(projects[name], dsn, tmp_path, "news") for name in (database, stale))
    try:
        run = right.start("news", 1)
        refused = WorkerProcess.launch(wrong, ["news"], {})
        assert refused.exit_code() == 1
        assert "flow 'news' has another structure in the database (-) than in the code (+)" in refused.log
        here, there = ("-", "+") if database == "new" else ("+", "-")
        assert f"{here} edit: single after gather" in refused.log
        assert f"{there} send: single after gather" in refused.log
        assert "pgflow-gen migrate" in refused.log
        assert right.task(run)["status"] == "queued"
        with right.worker("news") as worker:
            assert right.completed(run) == {"send": 24 if database == "new" else 4}
            assert worker.stop() == 0
    finally:
        postgres_server.drop_database(dsn)
