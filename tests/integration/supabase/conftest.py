"""A database as Supabase's is, with a project's flows, and what starts workers there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.support.databases import STUBS
from tests.support.project import Project
from tests.support.server import Server, name_of
from tests.support.worker_lab import Lab

FLOWS = """
from pathlib import Path
from time import monotonic, sleep
from typing import TypedDict

from pgflow_runtime import Flow

relay = Flow[int]("relay")
slow = Flow[str]("slow")


@relay.step
def double(flow_input: int) -> int:
    return flow_input * 2


@relay.step
def report(double: int) -> dict[str, int]:
    return {"twice": double}


@slow.step
def hold(flow_input: str) -> str:
    Path(flow_input, "begun").touch()
    until = monotonic() + 60
    while not Path(flow_input, "go").exists() and monotonic() < until:
        sleep(0.02)
    return "held"
"""


@pytest.fixture(scope="session")
def supa_project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = Project.make(tmp_path_factory.mktemp("supa"), {"flows/supa.py": FLOWS})
    project.ok("build", "--no-verify")
    return project


@pytest.fixture(scope="session")
def supa_template(postgres_server: Server, supa_project: Project) -> str:
    dsn = postgres_server.create_database()
    with psycopg.connect(dsn) as connection:
        connection.execute(STUBS.read_text(encoding="utf-8").encode())
    supa_project.ok("migrate", "--dsn", dsn)
    return dsn


@pytest.fixture
def supa(postgres_server: Server, supa_project: Project, supa_template: str, tmp_path: Path) -> Iterator[Lab]:
    dsn = postgres_server.create_database(name_of(supa_template))
    yield Lab(supa_project, dsn, tmp_path, "supa")
    postgres_server.drop_database(dsn)
