"""One project and database for each module, which says the name of its executor in EXECUTOR."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.project import Project
from tests.support.server import Server, name_of
from tests.support.spread_lab import MODULE, SpreadLab, make_spread_project
from tests.support.worker_lab import ledger_template


@pytest.fixture(scope="module")
def project(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Project:
    return make_spread_project(tmp_path_factory.mktemp("spread"), request.module.EXECUTOR)


@pytest.fixture(scope="module")
def template(postgres_server: Server, project: Project) -> str:
    return ledger_template(postgres_server, project)


@pytest.fixture
def lab(postgres_server: Server, project: Project, template: str, tmp_path: Path) -> Iterator[SpreadLab]:
    dsn = postgres_server.create_database(name_of(template))
    yield SpreadLab(project, dsn, tmp_path, MODULE)
    postgres_server.drop_database(dsn)


@pytest.fixture
def cluster_kills(request: pytest.FixtureRequest) -> None:
    """For what takes a cluster of its own down: only with the option --cluster-kills."""
    if not request.config.getoption("--cluster-kills"):
        pytest.skip("kills clusters of its own: runs with --cluster-kills")
