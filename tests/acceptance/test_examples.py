"""The example flows of this repository, run by a real worker and read back through the generated clients."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from generated.client import AsyncClient, Client
from pgflow_runtime.client import AsyncRun
from pgflow_runtime.errors import RunFailed
from tests.support.databases import Templates
from tests.support.project import REPOSITORY, Project
from tests.support.server import Server

FLOWS = ("stdlib_census", "link_check", "order_fulfilment", "invoicing", "expense_claim")


@pytest.fixture(scope="module")
def dsn(postgres_server: Server, database_templates: Templates) -> Iterator[str]:
    database = database_templates.clone("bare")
    project = Project(REPOSITORY)
    project.ok("migrate", "--dsn", database)
    with project.worker(*(f"flows.{name}:{name}" for name in FLOWS), "--dsn", database):
        yield database
    postgres_server.drop_database(database)


async def test_census_counts_what_is_there_and_survives_what_does_not_parse(dsn: str, tmp_path: Path) -> None:
    (tmp_path / "good.py").write_text("import json, os.path\n\nclass A:\n    def f(self): ...\n")
    (tmp_path / "bad.py").write_text("def (:\n")
    (tmp_path / "skipped").mkdir()
    (tmp_path / "skipped" / "more.py").write_text("import sys\n")
    report_path = tmp_path / "report.json"
    async with AsyncClient.connect(dsn) as client:
        run = await client.start_stdlib_census(
            {"directory": str(tmp_path), "skip": ["skipped"], "report_path": str(report_path)}
        )
        output = await run.result(timeout=60)
        parsed = await run.step("parse").wait_for("completed")
    report = output["report"]
    assert report["totals"] == {"files": 2, "unparsable": 1, "lines": 5, "functions": 1, "classes": 1}
    assert report["most_imported"] == [{"name": "json", "modules": 1}, {"name": "os", "modules": 1}]
    assert [facts["error"] for facts in parsed] == ["SyntaxError", None]
    assert json.loads(report_path.read_text()) == report


async def test_census_of_an_empty_directory_has_no_map_tasks(dsn: str, tmp_path: Path) -> None:
    async with AsyncClient.connect(dsn) as client:
        run = await client.start_stdlib_census({"directory": str(tmp_path)})
        output = await run.result(timeout=60)
    assert output["report"]["totals"]["files"] == 0


def test_link_check_reports_broken_links_in_order(dsn: str) -> None:
    with Client.connect(dsn) as client:
        run = client.start_link_check(
            [
                {"path": "index.md", "text": "[a](guide/a.md) [gone](gone.md) <https://x.org>\n"},
                {"path": "guide/a.md", "text": "```\n[code](no.md)\n```\n[up](../index.md#top)\n[z]: z.md\n"},
            ]
        )
        output = run.result(timeout=60)
    assert output["broken"] == {
        "documents": 2,
        "links": 4,
        "broken": [
            {"source": "index.md", "line": 1, "target": "gone.md"},
            {"source": "guide/a.md", "line": 5, "target": "guide/z.md"},
        ],
    }


async def test_order_is_charged_at_the_second_attempt_and_shipped(dsn: str) -> None:
    async with AsyncClient.connect(dsn) as client:
        run = await client.start_order_fulfilment(
            {
                "order_id": "A1",
                "lines": [{"sku": "apple", "quantity": 2}, {"sku": "pear", "quantity": 1}],
                "unit_prices": {"apple": 50, "pear": 70},
            }
        )
        output = await run.result(timeout=60)
        payment = await run.step("charge").wait_for("completed")
        approved = await run.step("approval").wait_for("skipped")
        (invoicing,) = await run.step("invoice").children()
        invoice = await client.get_invoicing(invoicing.run_id)
        assert await run.companions() == []
    assert payment == {"order_id": "A1", "amount": 170, "attempt": 2}
    assert approved == "skipped"
    assert invoice.output == {"written": {"order_id": "A1", "text": "Order A1: 1.70 EUR"}}
    assert invoice.origin is not None
    assert (invoice.origin.kind, invoice.origin.from_run_id) == ("child", run.run_id)
    assert output["ship"] == {
        "order_id": "A1",
        "tracking_code": "B-A1-3",
        "invoice": "Order A1: 1.70 EUR",
    }


async def test_order_for_what_is_not_in_stock_fails_with_the_step_and_the_reason(dsn: str) -> None:
    async with AsyncClient.connect(dsn) as client:
        run = await client.start_order_fulfilment(
            {"order_id": "A2", "lines": [{"sku": "plum", "quantity": 1}], "unit_prices": {"plum": 5}}
        )
        with pytest.raises(RunFailed, match="plum is out of stock") as failure:
            await run.result(timeout=60)
        after = await ended(dsn, run)
    assert failure.value.step_slug == "reserve"
    assert after == [
        ("order_fulfilment__end_tell_customer", "completed", {
            "tell_customer": "Order A2 cannot be delivered (NonRetryable: plum is out of stock);"
            " nothing was charged."
        })
    ]  # fmt: skip


async def test_a_large_order_that_no_box_holds_is_refunded_put_back_and_told_of(dsn: str) -> None:
    """Approved by somebody, charged, and then undone, the last things first."""
    async with AsyncClient.connect(dsn) as client:
        run = await client.start_order_fulfilment(
            {"order_id": "A3", "lines": [{"sku": "apple", "quantity": 30}], "unit_prices": {"apple": 5000}}
        )
        await run.step("approval").wait_for("started", timeout=60)
        assert await client.send_order_fulfilment_approval("A3", {"approved": True, "by": "Ada"}) == {
            run.run_id: "taken"
        }
        with pytest.raises(RunFailed, match="no box holds 30 articles") as failure:
            await run.result(timeout=60)
        after = await ended(dsn, run)
    assert failure.value.step_slug == "pack"
    why = "NonRetryable: no box holds 30 articles"
    assert after == [
        ("order_fulfilment__undo", "completed", {
            "put_back": 30,
        }),
        ("order_fulfilment__end_tell_customer", "completed", {
            "tell_customer": f"Order A3 cannot be delivered ({why}); 150000 cents come back."
        }),
    ]  # fmt: skip


async def ended(dsn: str, run: AsyncRun[Any]) -> list[tuple[str, str, Any]]:
    """What the run's end has started, once all of it has ended: flow, status, output."""
    async with asyncio.timeout(60):
        while True:
            found = await run.companions()
            if found and found[-1].kind == "end" and found[-1].is_final:
                break
            await asyncio.sleep(0.05)
    async with await psycopg.AsyncConnection.connect(dsn) as connection:
        query = "select output from pgflow.runs where run_id = %s"
        rows = [await (await connection.execute(query, (each.run_id,))).fetchone() for each in found]
    return [
        (each.flow_slug, each.status, row[0])
        for each, row in zip(found, rows, strict=True)
        if row is not None
    ]


async def test_a_large_claim_is_paid_once_somebody_has_approved_it(dsn: str) -> None:
    """The signal is answered as a page of what waits would; the bank is asked in rounds."""
    async with AsyncClient.connect(dsn) as client:
        run = await client.start_expense_claim({"claim_id": "large", "amount": 700})
        await run.step("decision").wait_for("started", timeout=60)
        (waiting,) = await client.waiting_for_expense_claim_decision()
        assert (waiting.run_id, waiting.key) == (run.run_id, "large")
        assert await run.send_decision({"approved": True, "by": "Ada"}, dedupe="click") == "taken"
        assert await run.send_decision({"approved": True, "by": "Ada"}, dedupe="click") == "duplicate"
        output = await run.result(timeout=60)
        assert await client.waiting_for_expense_claim_decision() == []
        assert await run.send_decision({"approved": False, "by": "Bob"}) == "late"
        decision = await run.step("decision").wait_for("completed")
    assert output == {"payment": {"paid": 700, "asked": 2}}
    assert decision == {"approved": True, "by": "Ada"}


def test_a_claim_is_declined_by_its_id(dsn: str) -> None:
    """Whoever answers knows no run; the answer comes before anybody waits for it, or after."""
    with Client.connect(dsn) as client:
        run = client.start_expense_claim({"claim_id": "declined", "amount": 51})
        answer = client.send_expense_claim_decision(
            "declined", {"approved": False, "by": "Bob", "note": "no"}
        )
        assert answer in ({run.run_id: "kept"}, {run.run_id: "taken"})
        assert run.result(timeout=60) == {"payment": {"paid": 0, "asked": 0}}


async def test_a_small_claim_is_paid_without_asking_anybody(dsn: str) -> None:
    async with AsyncClient.connect(dsn) as client:
        run = await client.start_expense_claim({"claim_id": "small", "amount": 50})
        output = await run.result(timeout=60)
        skipped = await run.step("decision").wait_for("skipped")
    assert output == {"payment": {"paid": 50, "asked": 2}}
    assert skipped == "skipped"
