"""Loops at a real worker, and failures that are values on their way through it and to clients."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.project import Project
from tests.support.server import Server, name_of
from tests.support.wait import eventually
from tests.support.worker_lab import Lab

FLOWS = Path(__file__).resolve().parents[2] / "support" / "loop_flows.py"


@pytest.fixture(scope="module")
def loop_project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Built with the proofs."""
    root = tmp_path_factory.mktemp("loops")
    project = Project.make(root, {"flows/lab.py": FLOWS.read_text(encoding="utf-8")})
    project.ok("build")
    return project


@pytest.fixture(scope="module")
def loop_template(postgres_server: Server, loop_project: Project) -> str:
    dsn = postgres_server.create_database()
    loop_project.ok("migrate", "--dsn", dsn)
    return dsn


@pytest.fixture
def loops(
    postgres_server: Server, loop_project: Project, loop_template: str, tmp_path: Path
) -> Iterator[Lab]:
    dsn = postgres_server.create_database(name_of(loop_template))
    yield Lab(loop_project, dsn, tmp_path)
    postgres_server.drop_database(dsn)


def question(rounds: int, *, after: float = 0, breaks_at: int = 0) -> dict[str, Any]:
    return {"rounds": rounds, "after": after, "breaks_at": breaks_at}


def test_a_loop_goes_round_with_its_state(loops: Lab) -> None:
    with loops.worker("agent", log_level="debug") as worker:
        run_id = loops.start("agent", question(7))
        assert loops.completed(run_id) == {"said": 7}
    task = next(task for task in loops.tasks(run_id) if task["step_slug"] == "think")
    assert (task["output"], task["round"], task["again_count"]) == ([1, 2, 3, 4, 5, 6, 7], 7, 6)
    assert (task["state"], task["error_message"]) == ({"seen": [1, 2, 3, 4, 5, 6], "share": 3.0}, None)
    assert worker.log.count(" ended after ") >= 6
    assert "WARNING" not in worker.log


def test_many_loops_go_round_beside_each_other(loops: Lab) -> None:
    with loops.worker("agent") as worker:
        runs = [loops.start("agent", question(rounds, after=0.01)) for rounds in range(1, 21)]
        assert [loops.completed(run_id)["said"] for run_id in runs] == list(range(1, 21))
    assert "round" not in worker.log


def test_an_exception_costs_an_attempt_of_its_round(loops: Lab) -> None:
    with loops.worker("agent"):
        run_id = loops.start("agent", question(4, breaks_at=3))
        assert loops.completed(run_id) == {"said": 4}
    task = next(task for task in loops.tasks(run_id) if task["step_slug"] == "think")
    assert (task["output"], task["attempts_count"]) == ([1, 2, 4, 5], 5)


def test_the_last_round_fails_the_run(loops: Lab) -> None:
    with loops.worker("agent") as worker:
        run_id = loops.start("agent", question(21))
        assert loops.failed(run_id) == "LoopExhausted: the loop has not ended within its 20 rounds"
        worker.until_logged("LoopExhausted")


def test_a_poll_waits_as_its_step_says(loops: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = tmp_path / "gate"
    monkeypatch.setenv("LAB_GATE", str(gate))
    with loops.worker("polls"):
        run_id = loops.start("polls", question(3))
        assert loops.completed(run_id) == {"delivered": 1.5}
    first, second, third = (float(line) for line in gate.read_text().splitlines())
    assert second - first >= 1
    assert third - second >= 1


def test_failures_arrive_as_objects_and_the_flow_goes_on(loops: Lab) -> None:
    with loops.worker("orders") as worker:
        run_id = loops.start("orders", [1, -2])
        assert loops.completed(run_id) == {
            "told": ["1", "ValueError: no money #1", "brittle: ValueError: broke after 1"]
        }
        worker.until_logged("kept as a value")


CALLER = """
import sys
from generated.client import Client
from pgflow_runtime import Failed

with Client.connect(sys.argv[1]) as client:
    run = client.start_orders([1, -2])
    run.result(30)
    charged = run.steps["charge"].output
    assert charged == [{"id": "1"}, Failed("ValueError: no money", "charge", 1, 1)], charged
    assert isinstance(run.steps["brittle"].output, Failed)
"""


def test_callers_read_failures_as_objects(loops: Lab) -> None:
    loops.project.write("caller.py", CALLER)
    with loops.worker("orders"):
        done = loops.project.python("caller.py", loops.dsn)
    assert done.returncode == 0, done.stderr


def test_a_flow_in_memory_goes_round_too(loops: Lab) -> None:
    loops.project.write(
        "alone.py",
        """
import asyncio, json
from flows.lab import agent, charge, orders, think, brittle
from pgflow_runtime.testing import run_flow

run = asyncio.run(run_flow(agent, {"rounds": 3, "after": 40, "breaks_at": 0}))
failed = asyncio.run(run_flow(agent, {"rounds": 30, "after": 0, "breaks_at": 0}))
tolerant = asyncio.run(run_flow(orders, [1, -2]))
print(json.dumps([run.output, run.elapsed, failed.status, failed.error, tolerant.output]))
""",
    )
    done = loops.project.python("alone.py")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [
        {"said": 3},
        80,
        "failed",
        "LoopExhausted: the loop has not ended within its 20 rounds",
        {"told": ["1", "ValueError: no money #1", "brittle: ValueError: broke after 1"]},
    ]


def test_a_loop_goes_on_where_its_worker_was_killed(loops: Lab) -> None:
    with loops.worker("agent") as worker:
        run_id = loops.start("agent", question(6, after=0.2))

        def third_round() -> bool:
            return any((task["round"] or 1) >= 3 for task in loops.tasks(run_id))

        eventually(third_round)
        worker.signal(signal.SIGKILL)
        worker.exit_code()
    loops.silence("true")
    with loops.worker("agent"):
        assert loops.completed(run_id, timeout=90) == {"said": 6}
    task = next(task for task in loops.tasks(run_id) if task["step_slug"] == "think")
    assert (task["round"], len(task["output"])) == (6, 6)
