"""A newcomer's way, from an empty folder: write a flow, build, check, migrate, run, read the result."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.project import Project

FLOW = """\
from typing import TypedDict

from pgflow_runtime import Flow


class Order(TypedDict):
    sku: str
    prices: list[int]


order = Flow[Order]("order", max_attempts=3)


@order.array
def prices(flow_input: Order) -> list[int]:
    return flow_input["prices"]


@order.map(array=prices)
async def with_tax(price: int) -> int:
    return price * 119 // 100


@order.step
def total(flow_input: Order, with_tax: list[int]) -> str:
    return f"{flow_input['sku']}: {sum(with_tax)}"
"""

USES_THE_CLIENT = """\
import asyncio
import sys

from generated.client import AsyncClient, Client


async def use(dsn: str) -> None:
    async with AsyncClient.connect(dsn) as client:
        run = await client.start_order({"sku": "tea", "prices": [100, 250]})
        output = await run.result(timeout=60)
        print(output["total"])
        print(await run.step("with_tax").wait_for("completed"))
        again = await client.get_order(run.run_id)
        async for event in again.events():
            print(event.event_type)


asyncio.run(use(sys.argv[1]))
with Client.connect(sys.argv[1]) as client:
    print(client.start_order({"sku": "rice", "prices": []}).result(timeout=60))
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    root = tmp_path_factory.mktemp("newcomer")
    project = Project.make(root, {"flows/order.py": FLOW, "use.py": USES_THE_CLIENT})
    project.ok("build")
    return project


def test_what_was_built_is_clean_and_accepted_by_mypy(project: Project) -> None:
    project.ok("build", "--check")
    done = project.python(
        "-m", "mypy", "--strict", "--explicit-package-bases", "use.py", "flows", "generated"
    )
    assert done.returncode == 0, done.stdout


def test_flow_runs_and_comes_back_through_both_clients(project: Project, bare_database_dsn: str) -> None:
    project.ok("migrate", "--dsn", bare_database_dsn)
    with project.worker("flows.order:order", "--dsn", bare_database_dsn):
        done = project.python("use.py", bare_database_dsn)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[:2] == ["tea: 416", "[119, 297]"]
    assert (lines[2], lines[-2]) == ("run:started", "run:completed")
    assert lines[3:-2] == [
        f"step:{word}" for word in ("started", "completed", "started", "completed", "started", "completed")
    ]
    assert lines[-1] == "{'total': 'rice: 0'}"


def test_wrong_input_is_refused_before_it_reaches_the_database(
    project: Project, bare_database_dsn: str
) -> None:
    project.ok("migrate", "--dsn", bare_database_dsn)
    done = project.run("start", "order", '{"sku": "tea", "prices": [100, "250"]}', "--dsn", bare_database_dsn)
    assert done.returncode == 1
    assert "prices" in done.stderr


def test_mixed_up_types_are_refused_at_the_handlers_own_parameter(project: Project, tmp_path: Path) -> None:
    broken = FLOW.replace("with_tax: list[int]) -> str", "with_tax: list[str]) -> str")
    done = Project.make(tmp_path, {"flows/order.py": broken}).run("build")
    assert done.returncode == 1
    assert "flows/order.py:25:30: error[PGF303]" in done.stdout
    assert not (tmp_path / "generated").exists()


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("worker", "flows.order:ordr"), "order"),
        (("worker", "flows.nowhere:order"), "flows.nowhere"),
        (("start", "ordr", "{}"), "order"),
        (("migrate", "--dsn", "postgresql://localhost:1/none"), "localhost"),
        (("graph", "ordr"), "order"),
        (("explain", "PGF999"), "PGF999"),
    ],
)
def test_a_mistake_on_the_command_line_gets_a_sentence(
    project: Project, arguments: tuple[str, ...], word: str
) -> None:
    needs_dsn = arguments[0] in ("worker", "start")
    done = project.run(*arguments, *(("--dsn", "postgresql://localhost:1/none") if needs_dsn else ()))
    assert done.returncode in (1, 2)
    assert word in done.stderr
