"""One value that Python cannot hold is one run's trouble: for its own wait, its page and its line."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from uuid import UUID

import pytest

from pgflow_runtime.errors import RunFailed, UnreadableValue
from tests.support.core import Core
from tests.support.crawl import AsyncClient, AsyncCrawlRun, Client, finish, write_contract
from tests.support.dashboard import running
from tests.support.project import Project

INPUT = {"urls": ["a", "b"]}
UNREADABLE = {
    "digits": "1" * 5_000,
    "nesting": "[" * 3_000 + "]" * 3_000,
    "within": '{"a": [' + "7" * 4_400 + "]}",
    "much text": "[" + ",".join(["1e131071"] * 20) + "]",
}


def finish_with(hand: Core, run_id: UUID, text: str) -> None:
    """Complete a run and put this in the place of what it gave, and of what a step gave."""
    finish(hand)
    hand.run_sql("update pgflow.runs set output = %s::jsonb where run_id = %s", text, run_id)
    hand.run_sql(
        "update pgflow.step_states set output = %s::jsonb where run_id = %s and step_slug = 'note'",
        text,
        run_id,
    )


async def collect(run: AsyncCrawlRun, seen: list[str]) -> None:
    async for event in run.events():
        seen.append(event.event_type)


@pytest.mark.parametrize("what", UNREADABLE)
async def test_other_waits_of_the_same_client_go_on(dsn: str, hand: Core, what: str) -> None:
    async with AsyncClient.connect(dsn) as client:
        poisoned = await client.start_crawl(INPUT)
        with hand.connection.transaction():
            finish_with(hand, poisoned.run_id, UNREADABLE[what])
        healthy = await client.start_crawl(INPUT)
        waits = [asyncio.create_task(run.result(timeout=30)) for run in (poisoned, healthy)]
        with pytest.raises(UnreadableValue, match=r"the run's output .* cannot be read by Python"):
            await waits[0]
        finish(hand)
        assert "report" in await waits[1]
        later = await client.start_crawl(INPUT)
        finish(hand)
        await later.result(timeout=30)


async def test_a_run_can_be_had_and_says_what_cannot_be_read(dsn: str, hand: Core) -> None:
    async with AsyncClient.connect(dsn) as client:
        run_id = (await client.start_crawl(INPUT)).run_id
        finish_with(hand, run_id, UNREADABLE["digits"])
    async with AsyncClient.connect(dsn) as client:
        run = await client.get_crawl(run_id)
        assert (run.status, run.input) == ("completed", INPUT)
        assert run.step("report").output is not None
        with pytest.raises(UnreadableValue, match="too many digits"):
            _ = run.output
        with pytest.raises(UnreadableValue, match="too many digits"):
            _ = run.step("note").output
        with pytest.raises(UnreadableValue, match="output of step 'note'"):
            await run.step("note").wait_for("completed")
        seen: list[str] = []
        with pytest.raises(UnreadableValue):
            await collect(run, seen)
        assert seen[0] == "run:started"
        again = await client.start_crawl(INPUT, run_id=run_id)
        assert again.status == "completed"


async def test_an_unreadable_input(dsn: str, hand: Core) -> None:
    run_id = hand.start_flow("crawl", INPUT).run_id
    finish(hand)
    hand.run_sql("update pgflow.runs set input = %s::jsonb where run_id = %s", UNREADABLE["nesting"], run_id)
    async with AsyncClient.connect(dsn) as client:
        run = await client.get_crawl(run_id)
        with pytest.raises(UnreadableValue, match="the run's input"):
            _ = run.input
        assert "report" in await run.result(timeout=30)


def test_the_sync_client_too(dsn: str, hand: Core) -> None:
    with Client.connect(dsn) as client:
        run = client.start_crawl(INPUT)
        finish_with(hand, run.run_id, UNREADABLE["nesting"])
        with pytest.raises(UnreadableValue, match="nested too deeply"):
            run.result(timeout=30)
        other = client.start_crawl(INPUT)
        finish(hand)
        assert "report" in other.result(timeout=30)


async def test_a_run_larger_than_one_value_can_be_looked_at(dsn: str, hand: Core, tmp_path: Path) -> None:
    """Its outputs exceed together what one jsonb holds, and each goes by itself."""
    failed, healthy = (hand.start_flow("crawl", INPUT).run_id for _ in range(2))
    finish(hand)
    hand.run_sql(
        "update pgflow.step_states set output = to_jsonb(repeat('x', 140000000)) "
        "where run_id = %s and step_slug in ('urls', 'note')", failed,
    )  # fmt: skip
    hand.run_sql(
        "update pgflow.runs set status = 'failed', completed_at = null, failed_at = now(), output = null, "
        "error_message = 'too large' where run_id = %s", failed,
    )  # fmt: skip
    async with AsyncClient.connect(dsn) as client:
        run = await client.get_crawl(failed)
        with pytest.raises(RunFailed, match="too large"):
            await run.result()
        assert "report" in await (await client.get_crawl(healthy)).result()
    project = Project.make(tmp_path / "project", {})
    shown = project.ok("runs", "show", str(failed), "--dsn", dsn)
    assert "too large" in shown.stdout
    with running(project, dsn, tmp_path) as dashboard:
        assert "too large" in dashboard.ask(f"/runs/{failed}").text


def test_the_commands_and_the_page_show_what_they_can(dsn: str, hand: Core, tmp_path: Path) -> None:
    project = Project.make(tmp_path / "project", {})
    write_contract(project.root / "generated")
    runs = {what: str(hand.start_flow("crawl", INPUT).run_id) for what in UNREADABLE}
    for what, run_id in runs.items():
        finish_with(hand, UUID(run_id), UNREADABLE[what])
    for run_id in runs.values():
        for command in (["show"], ["watch"]):
            done = project.ok("runs", *command, run_id, "--dsn", dsn)
            assert "cannot be read by Python" in done.stdout, (command, done.stdout[:300])
    document = json.loads(project.ok("runs", "show", "--json", runs["digits"], "--dsn", dsn).stdout)
    assert "cannot be read by Python" in document["run"]["output"]["unreadable"]
    assert document["run"]["input"] == INPUT
    events = project.ok("runs", "watch", "--json", runs["nesting"], "--dsn", dsn).stdout.splitlines()
    assert "unreadable" in json.loads(events[-1])["output"]
    assert len(json.loads(project.ok("runs", "list", "--json", "--dsn", dsn).stdout)) == len(runs)
    with running(project, dsn, tmp_path) as dashboard:
        for run_id in runs.values():
            assert dashboard.page(f"/runs/{run_id}")
            assert dashboard.page(f"/runs/{run_id}/steps/note")
        assert "1" * 4_900 in dashboard.ask(f"/runs/{runs['digits']}/values/output.json").text
        assert "1" * 4_900 in dashboard.ask(f"/runs/{runs['digits']}").text
