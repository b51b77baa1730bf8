"""The preset for Supabase: what its context gives and asks of the environment, what stays out of texts."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from types import SimpleNamespace
from typing import Any, cast

import pytest

from pgflow_runtime.errors import UsageError
from pgflow_runtime.secrets import keep_secret
from pgflow_runtime.supabase import Context, Flow
from pgflow_runtime.testing import run_flow
from pgflow_runtime.worker.logs.formatters import JsonFormatter, TextFormatter
from pgflow_runtime.worker.protocol.failure import describe, headline

KEY = "eyJ-a-service-role-key"
ENV = {"SUPABASE_URL": "http://127.0.0.1:1", "SUPABASE_SERVICE_ROLE_KEY": KEY}

names = Flow[str]("names")


@names.step
def stored(flow_input: str, ctx: Context) -> str:
    return str(ctx.supabase.table("names").insert({"name": flow_input}).execute().data)


@names.step
async def read(stored: str, ctx: Context) -> str:
    return f"{stored} {(await ctx.asupabase.table('names').select('*').execute()).data}"


class Table:
    """Stands in for a client whose tables echo what is asked of them."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def table(self, name: str) -> Table:
        self.asked.append(name)
        return self

    def insert(self, row: dict[str, str]) -> Table:
        self.asked.append(json.dumps(row))
        return self

    def execute(self) -> Any:
        return SimpleNamespace(data=self.asked)


class AsyncTable(Table):
    def select(self, what: str) -> AsyncTable:
        self.asked.append(what)
        return self

    async def execute(self) -> Any:
        return SimpleNamespace(data=self.asked)


async def test_a_run_in_memory_takes_clients() -> None:
    run = await run_flow(names, "ann", supabase=Table(), asupabase=AsyncTable())
    assert run.output == {"read": """['names', '{"name": "ann"}'] ['names', '*']"""}


async def test_a_run_in_memory_never_makes_a_real_client() -> None:
    run = await run_flow(names, "ann", env=ENV)
    assert run.status == "failed"
    assert "run_flow(..., supabase=...)" in (run.error or "")


def test_a_context_for_a_test() -> None:
    client, connection = Table(), object()
    ctx = Context.for_test(supabase=client, conn=connection)  # type: ignore[arg-type]
    assert (id(ctx.supabase), id(ctx.sql)) == (id(client), id(connection))
    with pytest.raises(UsageError, match="asupabase"):
        _ = ctx.asupabase


def test_clients_are_made_when_they_are_asked_for_and_keep_no_session() -> None:
    ctx, other = context(), context()
    assert ctx.supabase is ctx.supabase
    assert ctx.supabase is not other.supabase
    assert ctx.supabase.postgrest.session is other.supabase.postgrest.session, "connections are shared"
    assert ctx.supabase.options.headers["Authorization"] == f"Bearer {KEY}"
    assert (ctx.supabase.options.persist_session, ctx.supabase.options.auto_refresh_token) == (False, False)


async def test_async_clients_likewise() -> None:
    ctx, other = context(), context()
    assert ctx.asupabase is ctx.asupabase
    assert ctx.asupabase is not other.asupabase
    assert ctx.asupabase.postgrest.session is other.asupabase.postgrest.session
    assert ctx.asupabase.options.persist_session is False


def context(env: dict[str, str] = ENV) -> Context:
    """A context as a worker gives it: nothing stands in for its clients."""
    given = SimpleNamespace(client=lambda name: None)
    plain = Context.for_test(env=env)
    return Context(
        plain.step_task, env=env, shutdown=plain.shutdown, worker_config=plain.worker_config,
        resources=cast(Any, given),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("env", "words"),
    [
        ({}, "SUPABASE_URL, SUPABASE_SERVICE_ROLE_KEY are not set"),
        ({"SUPABASE_URL": "http://x"}, "SUPABASE_SERVICE_ROLE_KEY is not set"),
        ({"SUPABASE_SERVICE_ROLE_KEY": KEY, "SUPABASE_URL": ""}, "SUPABASE_URL is not set"),
        ({**ENV, "SUPABASE_URL": KEY}, "SUPABASE_URL is no URL"),
    ],
)
def test_all_that_is_missing_is_told_at_once(env: dict[str, str], words: str) -> None:
    with pytest.raises(UsageError, match=words) as refusal:
        _ = context(env).supabase
    assert KEY not in str(refusal.value)


def test_a_key_stays_out_of_logs_and_messages(caplog: pytest.LogCaptureFixture) -> None:
    keep_secret(KEY)
    error = RuntimeError(f"refused: {KEY}")
    error.__cause__ = ValueError(KEY)
    error.add_note(f"with {KEY}")
    record = logging.LogRecord("pgflow", 20, "x.py", 1, "called with %s", (KEY,), (type(error), error, None))
    record.pgflow = {"flow": KEY}
    texts = [describe(error), headline(error), TextFormatter().format(record), JsonFormatter().format(record)]
    for text in texts:
        assert KEY not in text
        assert "***" in text
    with caplog.at_level("DEBUG"):
        logging.getLogger("websockets.client").debug("> GET /websocket?apikey=%s", KEY)
        logging.getLogger("httpx").info("HTTP Request: %s", f"http://x?apikey={KEY}")
    assert KEY not in caplog.text
    assert caplog.text.count("***") == 2


def test_importing_the_runtime_imports_nothing_of_it() -> None:
    program = (
        "import sys\n"
        "import pgflow_runtime, pgflow_runtime.client, pgflow_runtime.worker, pgflow_runtime.testing\n"
        "from pgflow_runtime import Context, Flow, Worker\n"
        "from pgflow_runtime.supabase import Context, Flow\n"
        "print(sorted({'supabase', 'realtime', 'postgrest', 'httpx', 'websockets'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
