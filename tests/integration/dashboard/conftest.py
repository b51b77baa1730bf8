"""A built project, a database with its flows, and a dashboard that looks at it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from pgflow_runtime.migrate.roles import CLIENT, OPERATOR, OWNER, WORKER
from tests.support.dashboard import Dashboard, running
from tests.support.project import Project
from tests.support.server import Server, name_of
from tests.support.worker_lab import Lab, make_project


@pytest.fixture(scope="session")
def shown_project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return make_project(tmp_path_factory.mktemp("shown"))


@pytest.fixture(scope="session")
def shown_template(postgres_server: Server, shown_project: Project) -> str:
    dsn = postgres_server.create_database()
    shown_project.ok("migrate", "--dsn", dsn)
    return dsn


@pytest.fixture(scope="session")
def own_roles(postgres_server: Server) -> Iterator[None]:
    """Roles are the server's: those that a test made are dropped at the end."""
    names = (OWNER, WORKER, OPERATOR, CLIENT)
    with psycopg.connect(postgres_server.dsn, autocommit=True) as connection:
        before = {row[0] for row in connection.execute("select rolname from pg_roles").fetchall()}
    yield
    with psycopg.connect(postgres_server.dsn, autocommit=True) as connection:
        for name in set(names) - before:
            try:
                connection.execute(sql.SQL("drop role if exists {}").format(sql.Identifier(name)))
            except psycopg.errors.DependentObjectsStillExist:
                continue


@pytest.fixture
def lab(
    postgres_server: Server, shown_project: Project, shown_template: str, tmp_path: Path
) -> Iterator[Lab]:
    dsn = postgres_server.create_database(name_of(shown_template))
    yield Lab(shown_project, dsn, tmp_path)
    postgres_server.drop_database(dsn)


@pytest.fixture(scope="module")
def shared_lab(
    postgres_server: Server,
    shown_project: Project,
    shown_template: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Lab]:
    """For tests that only look, or count what they add themselves."""
    dsn = postgres_server.create_database(name_of(shown_template))
    yield Lab(shown_project, dsn, tmp_path_factory.mktemp("shared"))
    postgres_server.drop_database(dsn)


@pytest.fixture(scope="module")
def shared_dashboard(shared_lab: Lab) -> Iterator[Dashboard]:
    with running(shared_lab.project, shared_lab.dsn, shared_lab.folder, "--allow-start") as found:
        yield found


@pytest.fixture
def dashboard(lab: Lab) -> Iterator[Dashboard]:
    """One that lets people start runs and act on them."""
    with running(lab.project, lab.dsn, lab.folder, "--allow-control") as found:
        yield found
