"""Parents and children end to end: built, migrated, and run by a worker."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.project import Project
from tests.support.server import Server, name_of
from tests.support.worker_lab import Lab

FLOWS = Path(__file__).parents[2] / "support" / "subflow_project"


@pytest.fixture(scope="module")
def subflow_project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    files = {f"flows/{path.name}": path.read_text(encoding="utf-8") for path in sorted(FLOWS.glob("*.py"))}
    project = Project.make(tmp_path_factory.mktemp("subflows"), files)
    project.ok("build", "--no-verify")
    return project


@pytest.fixture(scope="module")
def subflow_template(postgres_server: Server, subflow_project: Project) -> str:
    dsn = postgres_server.create_database()
    subflow_project.ok("migrate", "--dsn", dsn)
    return dsn


@pytest.fixture
def lab(
    postgres_server: Server, subflow_project: Project, subflow_template: str, tmp_path: Path
) -> Iterator[Lab]:
    dsn = postgres_server.create_database(name_of(subflow_template))
    yield Lab(subflow_project, dsn, tmp_path, "orders")
    postgres_server.drop_database(dsn)


def folder(name: str, *inside: dict[str, object]) -> dict[str, object]:
    return {"name": name, "folders": list(inside)}


def test_children_of_a_step_and_of_a_map_come_back_as_what_dependents_ask_for(lab: Lab) -> None:
    with lab.worker("order", "invoice"):
        output = lab.completed(lab.start("order", {"prices": [3, -1, 5]}), timeout=60)
    found = output["report"]
    assert found[0] == "1007/none"
    assert found[1] == found[3] == "all"
    assert "nothing to pay" in found[2]
    assert found[4:6] == ["3/c3 of 3", "5/c3 of 3"]
    assert found[6:] == ["3 c3 1007/none", "-1 c3 1007/none", "5 c3 1007/none"]


def test_a_flow_that_starts_itself_ends_where_there_is_nothing_left(lab: Lab) -> None:
    with lab.worker("tree"):
        whole = folder("a", folder("b", folder("c"), folder("d", folder("e"))), folder("f"))
        assert lab.completed(lab.start("tree", whole), timeout=60) == {"size": 6}


def test_a_child_that_would_lie_too_deep_fails_its_step(lab: Lab) -> None:
    with lab.worker("tree"):
        deep = folder("a", folder("b", folder("c", folder("d", folder("e")))))
        run = lab.ended(lab.start("tree", deep), timeout=60)
    assert run["status"] == "failed"


def test_a_worker_says_which_flows_it_starts_and_does_not_serve(lab: Lab) -> None:
    with lab.worker("order") as worker:
        worker.until_logged("steps start runs of invoice: those need a worker of theirs")
    with lab.worker("order", "invoice") as worker:
        worker.until_serving()
        assert "those need a worker" not in worker.log
