"""A built project and migrated databases for tests of the worker."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.project import Project
from tests.support.server import Server, name_of
from tests.support.worker_lab import Lab, ledger_template, make_project


@pytest.fixture(scope="session")
def lab_project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return make_project(tmp_path_factory.mktemp("lab"))


@pytest.fixture(scope="session")
def lab_template(postgres_server: Server, lab_project: Project) -> str:
    return ledger_template(postgres_server, lab_project)


@pytest.fixture
def lab(postgres_server: Server, lab_project: Project, lab_template: str, tmp_path: Path) -> Iterator[Lab]:
    dsn = postgres_server.create_database(name_of(lab_template))
    yield Lab(lab_project, dsn, tmp_path)
    postgres_server.drop_database(dsn)
