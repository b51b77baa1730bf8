"""A project whose programs trace, and its migrated database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.project import Project
from tests.support.server import Server

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def traced_project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    files = {
        "flows/traced.py": (HERE / "traced_flows.py").read_text(encoding="utf-8"),
        "program.py": (HERE / "program.txt").read_text(encoding="utf-8"),
    }
    project = Project.make(tmp_path_factory.mktemp("traced"), files)
    project.ok("build", "--no-verify")
    return project


@pytest.fixture
def traced_dsn(postgres_server: Server, traced_project: Project) -> Iterator[str]:
    dsn = postgres_server.create_database()
    traced_project.ok("migrate", "--dsn", dsn)
    yield dsn
    postgres_server.drop_database(dsn)
