"""The trust tests' project, databases with an audit of every change of a status, and their length.

Each randomised test has a short form and runs for ``--trust-seconds`` where that is given.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import pytest

from tests.support.own_server import OwnServer, own_server
from tests.support.project import Project
from tests.support.server import Server, name_of
from tests.support.trust_lab import make_trust_project, prepare
from tests.support.worker_lab import Lab


@pytest.fixture(scope="session")
def trust_project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return make_trust_project(tmp_path_factory.mktemp("trust"))


@pytest.fixture(scope="session")
def trust_template(postgres_server: Server, trust_project: Project) -> str:
    dsn = postgres_server.create_database()
    prepare(trust_project, dsn)
    return dsn


@pytest.fixture
def lab(
    postgres_server: Server, trust_project: Project, trust_template: str, tmp_path: Path
) -> Iterator[Lab]:
    """The project with a database of its own on the tests' server."""
    dsn = postgres_server.create_database(name_of(trust_template))
    yield Lab(trust_project, dsn, tmp_path, "trust")
    postgres_server.drop_database(dsn)


@pytest.fixture
def trust_seconds(request: pytest.FixtureRequest) -> float:
    """0: the short form."""
    return float(request.config.getoption("--trust-seconds"))


@pytest.fixture
def trust_random(request: pytest.FixtureRequest) -> Random:
    return Random(f"{request.config.getoption('--trust-seed')} {request.node.name}")


@pytest.fixture
def trust_report(
    request: pytest.FixtureRequest, record_property: Callable[[str, object], None], trust_seconds: float
) -> Callable[..., None]:
    """Says how much a randomised test did, in the report's properties and, in the long form, on stderr."""

    def report(**counts: int) -> None:
        for name, count in counts.items():
            record_property(name, count)
        if trust_seconds:
            told = ", ".join(f"{count} {name}" for name, count in counts.items())
            with request.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
                print(f"\n{request.node.name}: {told}", file=sys.stderr, flush=True)

    return report


@pytest.fixture(scope="session")
def own_postgres(trust_project: Project) -> Iterator[OwnServer]:
    """A server that tests may kill; its database ``trust_template`` is prepared."""
    with own_server() as server:
        prepare(trust_project, server.create("trust_template"))
        yield server


@pytest.fixture
def own_lab(own_postgres: OwnServer, trust_project: Project, tmp_path: Path) -> Lab:
    """The project with a new database on that server."""
    return Lab(trust_project, own_postgres.create("trust", template="trust_template"), tmp_path, "trust")
