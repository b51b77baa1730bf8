"""Events as a property: over random flows, whoever subscribes when, and however often connections are cut,
every subscriber gets exactly the events that the final state tells of, in the promised order."""

from __future__ import annotations

import asyncio
from random import Random
from typing import Any
from uuid import UUID

import pytest

from pgflow_runtime.client import AsyncRun
from pgflow_runtime.errors import ConnectionFailed
from pgflow_runtime.testing.engine.model import Step
from pgflow_shared.structure import structure_hash
from tests.support.core import Core, connect
from tests.support.crawl import DOCUMENT, AsyncClient, contract_of, name_of
from tests.support.random_flows import define, random_flow, random_input, random_output
from tests.support.steps_that_wait import send

FLOW = "random_flow"
SEEDS = range(6)
FINAL = ("completed", "failed", "skipped")


def run_type(steps: list[Step]) -> type[AsyncRun[Any]]:
    """The class a generated client would have for the flow."""
    structure = {
        "steps": [
            {"slug": step.slug, "type": step.kind, "dependencies": sorted(step.deps)}
            | ({} if step.wait is None else {"kind": step.wait.what})
            for step in sorted(steps, key=lambda step: step.slug)
        ]
    }
    meta = {**DOCUMENT["x-pgflow"], "slug": FLOW, "structure": structure, "hash": structure_hash(structure)}

    class RandomRun(AsyncRun[Any]):
        contract = contract_of({**DOCUMENT, "x-pgflow": meta})

    return RandomRun


def work_some(dsn: str, steps: list[Step], random: Random, run_id: UUID) -> bool:
    """Take a few tasks, end them well or badly; False once the run has ended."""
    with connect(dsn) as connection:
        core = Core(connection)
        for task in core.poll(FLOW, random.randint(1, 4)):
            if random.random() < 0.2:
                core.fail_task(task.run_id, task.step_slug, task.task_index, "no luck")
            else:
                output = random_output(random, steps, task.step_slug)
                core.complete_task(task.run_id, task.step_slug, task.task_index, output)
        core.run_sql("update pgflow.timers set due_at = clock_timestamp() where random() < 0.3")
        core.run_sql("select pgflow.fire_timers()")
        for row in core.rows("select * from pgflow.waiting_signals where random() < 0.5"):
            send(core, row.run_id, row.step_slug, random_output(random, steps, row.step_slug, violate=0.0))
        return bool(core.run(run_id).status == "started")


def cut_clients(dsn: str, random: Random) -> None:
    """End some sessions of the clients."""
    with connect(dsn) as connection:
        rows = connection.execute(
            "select pid from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
        ).fetchall()
        for (pid,) in rows:
            if random.random() < 0.6:
                connection.execute("select pg_terminate_backend(%s)", [pid])


async def follow(client: AsyncClient, kind: type[AsyncRun[Any]], run_id: UUID) -> list[str]:
    run = None
    while run is None:
        try:
            run = await client._get(kind, run_id)
        except ConnectionFailed:  # cut while it was asking; from here on the client sees to it
            continue
    return [name_of(event) async for event in run.events()]


def expected(core: Core, run_id: UUID) -> set[str]:
    """The events that the final state tells of."""
    names = {"run:started", f"run:{core.run(run_id).status}"}
    for row in core.rows("select * from pgflow.step_states where run_id = %s", run_id):
        is_taskless = row.status == "completed" and row.initial_tasks == 0
        if row.started_at is not None and not is_taskless:
            names.add(f"{row.step_slug} started")
        if row.status in FINAL:
            names.add(f"{row.step_slug} {row.status}")
    return names


def check(names: list[str], wanted: set[str], steps: list[Step]) -> None:
    assert len(names) == len(set(names)), "something came twice"
    assert set(names) == wanted
    assert names[0] == "run:started"
    assert names[-1] in ("run:completed", "run:failed")
    places: dict[str, list[int]] = {}
    ends: dict[str, int] = {}
    for place, name in enumerate(names[1:-1]):
        slug, _, status = name.partition(" ")
        places.setdefault(slug, []).append(place)
        if status in FINAL:
            ends[slug] = place
    for step in steps:
        mine = places.get(step.slug, [])
        if step.slug in ends:
            assert ends[step.slug] == max(mine)
        ended_before = [bool(mine) and dep in ends and ends[dep] < min(mine) for dep in step.deps]
        if f"{step.slug} skipped" in names and f"{step.slug} started" not in names:
            # skipped with one parent, it does not wait for the others
            assert not step.deps or any(ended_before), (step.slug, names)
        else:
            assert not mine or all(ended_before), (step.slug, names)


@pytest.mark.parametrize("seed", SEEDS)
async def test_no_event_is_lost_doubled_or_out_of_order(plain_database_dsn: str, seed: int) -> None:
    dsn, random = plain_database_dsn, Random(seed)
    steps = random_flow(random, most=15)
    kind = run_type(steps)
    with connect(dsn) as connection:
        core = Core(connection)
        define(core, FLOW, steps)
        run_id = core.start_flow(FLOW, random_input(random, steps)).run_id
    async with AsyncClient.connect(dsn) as one, AsyncClient.connect(dsn) as other:
        clients = [one, other]
        followers = [asyncio.create_task(follow(client, kind, run_id)) for client in clients]
        goes_on = True
        while goes_on:
            goes_on = await asyncio.to_thread(work_some, dsn, steps, random, run_id)
            if random.random() < 0.3:
                followers.append(asyncio.create_task(follow(random.choice(clients), kind, run_id)))
            if random.random() < 0.3:
                await asyncio.to_thread(cut_clients, dsn, random)
        followers += [asyncio.create_task(follow(client, kind, run_id)) for client in clients]
        async with asyncio.timeout(90):
            found = await asyncio.gather(*followers)
    async with AsyncClient.connect(dsn) as late:
        found.append(await follow(late, kind, run_id))
    with connect(dsn) as connection:
        wanted = expected(Core(connection), run_id)
    for names in found:
        check(names, wanted, steps)
