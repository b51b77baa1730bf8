"""Flows of the preset with a worker: what it must bring along, and what handlers get."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from pgflow_runtime.contract import FlowContract
from tests.support.databases import STUBS
from tests.support.project import Project
from tests.support.server import Server
from tests.support.supabase_server import SERVICE_KEY, SupabaseServer
from tests.support.worker_lab import Lab, WorkerProcess

FLOWS = """
from pgflow_runtime import Flow as PlainFlow
from pgflow_runtime.supabase import Context, Flow

notes = Flow[str]("notes")
plain = PlainFlow[None]("plain")
leaky = Flow[None]("leaky", max_attempts=1)


@notes.step
def store(flow_input: str, ctx: Context) -> int:
    rows = ctx.supabase.table("notes").insert({"note": flow_input}).execute().data
    ctx.log.info("stored with %s", ctx.env["SUPABASE_SERVICE_ROLE_KEY"])
    return len(rows)


@notes.step
async def count(store: int, ctx: Context) -> int:
    return len((await ctx.asupabase.table("notes").select("*").execute()).data)


@notes.step
def sums(count: int, ctx: Context) -> list[int]:
    row = ctx.sql.execute("select count(*) from public.notes").fetchone()
    assert row is not None and ctx.sql is ctx.conn()
    return [count, row[0]]


away = Flow[str]("away", executor="process", max_attempts=1)


@away.step
def store_away(flow_input: str, ctx: Context) -> int:
    ctx.supabase.table("notes").insert({"note": flow_input}).execute()
    ctx.log.info("stored away with %s", ctx.env["SUPABASE_SERVICE_ROLE_KEY"])
    row = ctx.sql.execute("select count(*) from public.notes").fetchone()
    assert row is not None
    return int(row[0])


@away.step
async def count_away(store_away: int, ctx: Context) -> list[int]:
    return [store_away, len((await ctx.asupabase.table("notes").select("*").execute()).data)]


@plain.step
def nothing() -> None:
    return None


@leaky.step
def raises(ctx: Context) -> None:
    raise RuntimeError(f"called with {ctx.env['SUPABASE_SERVICE_ROLE_KEY']}")
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = Project.make(tmp_path_factory.mktemp("preset"), {"flows/preset.py": FLOWS})
    project.ok("build")
    return project


@pytest.fixture
def lab(postgres_server: Server, project: Project, tmp_path: Path) -> Iterator[Lab]:
    dsn = postgres_server.create_database()
    with psycopg.connect(dsn) as connection:
        connection.execute(STUBS.read_text(encoding="utf-8").encode())
        connection.execute("create table public.notes (note text)")
    project.ok("migrate", "--dsn", dsn)
    yield Lab(project, dsn, tmp_path, "preset")
    postgres_server.drop_database(dsn)


def refusal(lab: Lab, flow: str, environment: dict[str, str]) -> str:
    worker = WorkerProcess.launch(lab, [flow], {}, environment=environment)
    assert worker.exit_code() == 2, worker.log
    return worker.log


def test_the_contract_says_so(project: Project) -> None:
    folder = project.root / "generated" / "schemas"
    assert FlowContract.load(folder / "notes.json").preset == "supabase"
    assert FlowContract.load(folder / "plain.json").preset is None
    assert "preset" not in json.loads((folder / "plain.json").read_text())["x-pgflow"]
    wiring = (project.root / "generated" / "_typecheck.py").read_text()
    assert "from pgflow_runtime.supabase import Context" in wiring


def test_handlers_use_its_clients_and_no_key_is_told(lab: Lab) -> None:
    with SupabaseServer(lab.dsn).running() as server:
        server.grant(SERVICE_KEY, "usage on schema public", "all on table public.notes")
        variables = {"SUPABASE_URL": server.url, "SUPABASE_SERVICE_ROLE_KEY": SERVICE_KEY}
        worker = WorkerProcess.launch(
            lab, ["notes", "leaky", "plain", "away"], {"log_level": "debug"}, environment=variables
        )
        try:
            worker.until_serving()
            assert lab.completed(lab.start("notes", "first")) == {"sums": [1, 1]}
            assert lab.completed(lab.start("notes", "second")) == {"sums": [2, 2]}
            assert lab.failed(lab.start("leaky", None)).startswith("RuntimeError: called with ***")
            assert lab.completed(lab.start("plain", None)) == {"nothing": None}
            assert lab.completed(lab.start("away", "third")) == {"count_away": [3, 3]}
            assert "stored with ***" in worker.log
            worker.until_logged("stored away with ***")
            assert worker.stop() == 0
        finally:
            worker.clear_away()
        assert SERVICE_KEY not in worker.log
        for table in ("step_tasks", "step_states", "runs"):
            (row,) = lab.sql(f"select coalesce(string_agg(t::text, ''), '') as text from pgflow.{table} t")
            assert SERVICE_KEY not in row["text"]


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({}, "SUPABASE_URL, SUPABASE_SERVICE_ROLE_KEY are not set"),
        ({"SUPABASE_URL": "http://127.0.0.1:1"}, "SUPABASE_SERVICE_ROLE_KEY is not set"),
    ],
)
def test_a_worker_names_all_variables_that_are_missing(
    lab: Lab, environment: dict[str, str], words: str
) -> None:
    assert f"flow 'notes' is of the preset supabase: {words}" in refusal(lab, "notes", environment)


def test_a_worker_without_the_preset_refuses_its_flows_and_runs_others(lab: Lab, tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(
        "import sys\nsys.modules['supabase'] = None  # as if it were not installed\n"
    )
    variables = {
        "PYTHONPATH": str(tmp_path / "site"),
        "SUPABASE_URL": "http://x",
        "SUPABASE_SERVICE_ROLE_KEY": "k" * 9,
    }
    said = refusal(lab, "notes", variables)
    assert "flow 'notes' is of the preset supabase, which this worker does not have" in said
    assert "pip install 'pgflow-gen[supabase]'" in said
    worker = WorkerProcess.launch(lab, ["plain"], {}, environment=variables)
    try:
        worker.until_serving()
        assert lab.completed(lab.start("plain", None)) == {"nothing": None}
        assert worker.stop() == 0
    finally:
        worker.clear_away()


def test_a_flow_that_changed_its_kind_has_to_be_built(lab: Lab, request: pytest.FixtureRequest) -> None:
    module = lab.project.root / "flows" / "preset.py"
    module.write_text(FLOWS.replace("notes = Flow[str]", "notes = PlainFlow[str]"))
    request.addfinalizer(lambda: module.write_text(FLOWS))
    said = refusal(lab, "notes", {"SUPABASE_URL": "http://x", "SUPABASE_SERVICE_ROLE_KEY": "k" * 9})
    assert "it is a plain flow, built as a flow of the preset supabase" in said
    assert "pgflow-gen build" in said
