"""A built project and migrated databases for tests of the worker."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.support.project import Project
from tests.support.server import Server, name_of
from tests.support.worker_lab import Lab, make_project


@pytest.fixture(scope="session")
def lab_project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return make_project(tmp_path_factory.mktemp("lab"))


@pytest.fixture(scope="session")
def lab_template(postgres_server: Server, lab_project: Project) -> str:
    """A database into which the project was migrated; the tests get copies."""
    dsn = postgres_server.create_database()
    lab_project.ok("migrate", "--dsn", dsn)
    with psycopg.connect(dsn) as connection:
        connection.execute("create table public.ledger (note text)")
    return dsn


@pytest.fixture
def lab(postgres_server: Server, lab_project: Project, lab_template: str, tmp_path: Path) -> Iterator[Lab]:
    dsn = postgres_server.create_database(name_of(lab_template))
    yield Lab(lab_project, dsn, tmp_path)
    postgres_server.drop_database(dsn)
