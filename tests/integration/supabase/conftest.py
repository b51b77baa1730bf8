"""A database as Supabase's is, with a project's flows, and what starts workers there."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.support.databases import STUBS
from tests.support.project import Project
from tests.support.server import Server, name_of
from tests.support.supabase_server import SERVICE_KEY, SupabaseServer
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


@pytest.fixture
def server(supa: Lab) -> Iterator[SupabaseServer]:
    """PostgREST and Realtime over the database, with what the guide grants to the service role."""
    with SupabaseServer(supa.dsn).running() as server:
        server.grant(
            SERVICE_KEY,
            "usage on schema pgflow",
            "execute on function pgflow.start_flow_with_states, pgflow.get_run_with_states",
        )
        yield server


@pytest.fixture
def generated(supa_project: Project) -> Iterator[Any]:
    """The project's generated module ``client``."""
    sys.path.insert(0, str(supa_project.root))
    before = {name for name in sys.modules if name.partition(".")[0] in ("generated", "flows")}
    kept = {name: sys.modules.pop(name) for name in before}
    yield importlib.import_module("generated.client")
    for name in [name for name in sys.modules if name.partition(".")[0] in ("generated", "flows")]:
        del sys.modules[name]
    sys.modules.update(kept)
    sys.path.remove(str(supa_project.root))
