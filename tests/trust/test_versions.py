"""Two versions of the code before one database: the stale one refuses to work, and says why."""

from __future__ import annotations

from pathlib import Path

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


def test_the_stale_version_refuses_with_the_difference(postgres_server: Server, tmp_path: Path) -> None:
    stale, current = _project(tmp_path / "old", OLD), _project(tmp_path / "new", NEW)
    dsn = postgres_server.create_database()
    current.ok("migrate", "--dsn", dsn)
    lab = Lab(current, dsn, tmp_path, "news")
    try:
        run = lab.start("news", 1)
        refused = WorkerProcess.launch(Lab(stale, dsn, tmp_path, "news"), ["news"], {})
        assert refused.exit_code() == 1
        assert "flow 'news' has another structure in the database (-) than in the code (+)" in refused.log
        for line in (
            "- edit: single after gather",
            "- send: single after edit",
            "+ send: single after gather",
        ):
            assert f"  {line}" in refused.log
        assert "pgflow-gen migrate" in refused.log
        assert lab.task(run)["status"] == "queued"
        with lab.worker("news") as worker:
            assert lab.completed(run) == {"send": 24}
            assert worker.stop() == 0
    finally:
        postgres_server.drop_database(dsn)
