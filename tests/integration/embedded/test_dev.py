"""``pgflow-gen dev`` as a user meets it: real processes, real signals, and nothing left behind."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from tests.support.dev import Dev
from tests.support.project import Project
from tests.support.wait import eventually

FLOW = """\
from pgflow_runtime import Flow

shop = Flow[int]("shop")


@shop.step
def price(flow_input: int) -> int:
    return flow_input * 2
"""
MORE = """\


@shop.step
def total(price: int) -> int:
    return price + 1
"""
STUBBORN = """\
import time

from pgflow_runtime import Flow

shop = Flow[str]("shop")


@shop.step
def price(flow_input: str) -> int:
    open(flow_input, "w").close()
    time.sleep(600)
    return 1
"""


@pytest.fixture
def project(make_project: Callable[[str], Path]) -> Project:
    return Project.make(make_project("shop"), {"flows/shop.py": FLOW})


@pytest.fixture
def launch(project: Project) -> Iterator[Callable[..., Dev]]:
    started: list[Dev] = []

    def start(*options: str, env: dict[str, str] | None = None) -> Dev:
        started.append(Dev(project.root, "--no-verify", "--no-dashboard", *options, env=env))
        return started[-1]

    yield start
    for dev in started:
        dev.clear_away()


def result(project: Project, value: int, *options: str) -> str:
    return project.ok("start", "shop", str(value), "--wait", *options).stdout.strip().replace("\n", "")


def test_a_change_is_built_migrated_and_worked_with_and_ctrl_c_ends_everything(
    project: Project, launch: Callable[..., Dev]
) -> None:
    dev = launch(env={"DATABASE_URL": "postgresql://localhost:1/none"})
    dev.until("ready")
    assert "DATABASE_URL: heeded by other commands" in dev.log
    assert result(project, 21) == '{  "price": 42}'

    project.write("flows/shop.py", FLOW.replace("* 2", "* 3"))
    dev.until(" serving shop ", 2)
    assert result(project, 21) == '{  "price": 63}'

    project.write("flows/shop.py", FLOW.replace("* 2", "* (4"))
    dev.until("error[PGF101]")
    dev.until("goes on with the last code that was in order")
    assert result(project, 21) == '{  "price": 63}'

    project.write("flows/shop.py", FLOW + MORE)
    dev.until("made flow 'shop' anew; its runs are gone")
    dev.until(" serving shop ", 3)
    assert result(project, 21) == '{  "total": 43}'

    project.write("pyproject.toml", "[tool.pgflow-gen\n")
    dev.until("pyproject.toml is not valid TOML")
    project.write("pyproject.toml", "[tool.pgflow-gen]\n")
    dev.until(" serving shop ", 4)

    dev.interrupt()
    assert dev.ended() == 0
    assert dev.log.endswith("stopped\n")
    assert "Traceback" not in dev.log


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_however_it_ends_nothing_outlives_it(
    project: Project, launch: Callable[..., Dev], number: signal.Signals
) -> None:
    dev = launch()
    dev.until("ready")
    dev.process.send_signal(number)
    assert dev.ended() == (-number if number == signal.SIGKILL else 0)


def test_the_second_ctrl_c_does_not_wait_for_handlers(project: Project, launch: Callable[..., Dev]) -> None:
    project.write("flows/shop.py", STUBBORN)
    dev = launch(env={"PGFLOW_GRACE_SECONDS": "600"})
    dev.until("ready")
    project.ok("start", "shop", f'"{project.root}/begun"')
    eventually(lambda: (project.root / "begun").exists())
    dev.interrupt()
    dev.until("stopping")
    dev.interrupt()
    assert dev.ended() == 0


def test_a_project_that_is_wrong_at_first_is_worked_with_once_it_is_right(
    project: Project, launch: Callable[..., Dev]
) -> None:
    project.write("flows/shop.py", FLOW.replace("def price(", "def price((") + MORE)
    dev = launch()
    dev.until("error[PGF101]")
    project.write("flows/shop.py", "import nowhere\n" + FLOW)
    dev.until("nowhere")  # only running it shows that: the worker says so
    dev.until("the next change starts it again")
    project.write("flows/shop.py", FLOW)
    dev.until("ready")
    dev.interrupt()
    assert dev.ended() == 0


def test_one_is_enough(project: Project, launch: Callable[..., Dev]) -> None:
    dev = launch()
    dev.until("ready")
    other = project.run("dev", "--no-dashboard")
    assert (other.returncode, "another pgflow-gen dev is at work" in other.stderr) == (2, True)
    assert result(project, 1) == '{  "price": 2}'


def runs_in(dsn: str) -> int:
    with psycopg.connect(dsn) as connection:
        row = connection.execute("select count(*) from pgflow.runs").fetchone()
    assert row is not None
    return int(row[0])


def test_a_database_named_by_dsn_keeps_its_runs_unless_it_is_said_to_be_for_development(
    project: Project, launch: Callable[..., Dev], bare_database_dsn: str
) -> None:
    dsn = bare_database_dsn
    dev = launch("--dsn", dsn)
    dev.until("ready")
    assert result(project, 2, "--dsn", dsn) == '{  "price": 4}'

    project.write("flows/shop.py", FLOW + MORE)
    dev.until("the worker waits for a change that can be applied")
    assert "0001_shop.sql was applied to this database with another content" in dev.log
    assert runs_in(dsn) == 1
    project.write("flows/shop.py", FLOW)
    dev.until(" serving shop ", 2)
    dev.interrupt()
    assert dev.ended() == 0

    project.write("flows/shop.py", FLOW + MORE)
    dev = launch("--dsn", dsn, "--development")
    dev.until("made flow 'shop' anew; its runs are gone")
    dev.until("ready")
    assert runs_in(dsn) == 0
    assert not (project.root / ".pgflow" / "data").exists()
