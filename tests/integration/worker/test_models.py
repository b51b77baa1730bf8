"""Classes and enums on their way through client, database and worker."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.project import Project
from tests.support.server import Server, name_of
from tests.support.worker_lab import Lab

FLOWS = Path(__file__).resolve().parents[2] / "support" / "model_flows.py"


@pytest.fixture(scope="module")
def model_project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Built with the proofs: mypy sees the classes as the compiler read them."""
    root = tmp_path_factory.mktemp("models")
    project = Project.make(root, {"flows/lab.py": FLOWS.read_text(encoding="utf-8")})
    project.ok("build")
    return project


@pytest.fixture(scope="module")
def model_template(postgres_server: Server, model_project: Project) -> str:
    dsn = postgres_server.create_database()
    model_project.ok("migrate", "--dsn", dsn)
    return dsn


@pytest.fixture
def models(
    postgres_server: Server, model_project: Project, model_template: str, tmp_path: Path
) -> Iterator[Lab]:
    dsn = postgres_server.create_database(name_of(model_template))
    yield Lab(model_project, dsn, tmp_path)
    postgres_server.drop_database(dsn)


CALLER = """
import sys
from generated.client import Client
from generated.orders import LineGiven, OrderGiven

line: LineGiven = {"sku": "b", "quantity": 2}
above: OrderGiven = {"id": "0", "lines": []}
given: OrderGiven = {"id": "1", "lines": [{"sku": "a"}, line], "colour": "blue", "parent": above}
with Client.connect(sys.argv[1]) as client:
    run = client.start_orders(given)
    shipped = run.result(30)["ship"]
    assert shipped["colour"] == "blue" and shipped["weight"] == 3.0
    assert shipped["tags"] == ["[None, <Colour.BLUE: 'blue'>]"], shipped
    assert shipped["lines"] == [{"sku": "a", "quantity": 1}, {"sku": "b", "quantity": 2}]
    # What is stored has the defaults, so that it stays what it is when they change.
    above.update({"colour": "red", "tags": [], "parent": None, "weight": 1.5})
    assert run.input["parent"] == above, run.input
    assert "flows.lab" not in sys.modules
"""


def test_a_flow_of_classes_runs_and_its_client_neither_has_nor_imports_them(models: Lab) -> None:
    models.project.write("caller.py", CALLER)
    with models.worker("orders"):
        done = models.project.python("caller.py", models.dsn)
    assert done.returncode == 0, done.stderr


def test_callers_are_checked_against_what_may_be_left_out(models: Lab) -> None:
    models.project.write("caller.py", CALLER)
    models.project.write("wrong.py", CALLER.replace('"colour": "blue"', '"colour": "green"'))
    checked = models.project.python("-m", "mypy", "--strict", "caller.py", "wrong.py")
    (fault, _) = checked.stdout.strip().splitlines()
    assert fault.startswith("wrong.py")
    assert "colour" in fault


def test_what_plain_sql_started_gets_its_defaults_at_the_worker(models: Lab) -> None:
    with models.worker("orders"):
        run_id = models.start("orders", {"id": "7", "lines": [{"sku": "a"}]})
        output = models.completed(run_id)
    assert output["ship"]["parent"]["lines"] == [{"sku": "a", "quantity": 1}]
    assert models.run(run_id)["input"] == {"id": "7", "lines": [{"sku": "a"}]}


def test_a_value_that_its_class_refuses_fails_the_task_with_its_place(models: Lab) -> None:
    with models.worker("orders"):
        run_id = models.start("orders", {"id": "7", "lines": [{"sku": "a"}, {"sku": "b", "quantity": 0}]})
        assert models.ended(run_id)["status"] == "failed"
    task = next(task for task in models.tasks(run_id) if task["step_slug"] == "pack")
    assert "flow_input.lines[1]: is refused by Line: a line has at least one article" in task["error_message"]


def test_a_class_that_is_gone_ends_the_worker_before_it_takes_a_task(models: Lab) -> None:
    source = models.project.root / "flows" / "lab.py"
    text = source.read_text(encoding="utf-8")
    try:
        source.write_text(text.replace('BLUE = "blue"', 'BLUE = "navy"'), encoding="utf-8")
        done = models.project.run("worker", "flows.lab:orders", "--dsn", models.dsn)
    finally:
        source.write_text(text, encoding="utf-8")
    assert done.returncode != 0
    assert "enum Colour of flows.lab has other values than when the contract was made" in done.stderr


STAMPS = """
import sys
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from uuid import UUID
from generated.client import Client
from generated.stamps import JobGiven, Stamp

at = datetime(2024, 2, 29, 23, 59, 59, 123456, tzinfo=UTC)
stamp: Stamp = {
    "at": at, "day": date(2024, 2, 29), "clock": time(1, 2, 3), "took": timedelta(days=-1, microseconds=5),
    "id": UUID(int=7), "price": Decimal("10.00"), "data": bytes(range(256)), "path": Path("a") / "b",
    "more": [at, 3, None],
}
given: JobGiven = {"stamp": stamp}
with Client.connect(sys.argv[1]) as client:
    run = client.start_stamps(given)
    output = run.result(30)
    then = output["told"]["then"]
    assert then == at + timedelta(seconds=90) and then.tzinfo is not None, then
    assert output["naive"] is None
    later: Stamp | None = run.step("later").output
    assert later == {**stamp, "at": then, "price": Decimal("1.0000")}, later
    assert str(later["price"]) == "1.0000"
    assert run.input["stamp"] == stamp and run.input["pause"] == timedelta(seconds=90), run.input
    again = client.get_stamps(run.run_id)
    assert again.input == run.input and again.output == output
"""


def test_times_and_their_like_arrive_as_what_they_are_at_handlers_and_callers(models: Lab) -> None:
    models.project.write("stamper.py", STAMPS)
    with models.worker("stamps"):
        done = models.project.python("stamper.py", models.dsn)
    assert done.returncode == 0, done.stderr
    (row,) = models.sql("select input from pgflow.runs")
    assert row["input"]["stamp"]["took"] == "-PT23H59M59.999995S"
    assert row["input"]["stamp"]["at"] == "2024-02-29T23:59:59.123456+00:00"
    checked = models.project.python("-m", "mypy", "--strict", "stamper.py")
    assert checked.returncode == 0, checked.stdout


def test_a_naive_datetime_is_refused_with_a_way_out(models: Lab) -> None:
    stamp = {
        "at": "2024-01-01T00:00:00Z", "day": "1999-01-01", "clock": "00:00:00", "took": "PT1S",
        "id": "00000000-0000-0000-0000-000000000000", "price": "1", "data": "", "path": "a", "more": [],
    }  # fmt: skip
    with models.worker("stamps"):
        run_id = models.start("stamps", {"stamp": stamp})
        assert models.ended(run_id)["status"] == "failed"
    task = next(task for task in models.tasks(run_id) if task["step_slug"] == "naive")
    assert "output: is naive: 2024-01-01T00:01:30 is no moment without its time zone" in task["error_message"]


LIMITED = """
import sys
from generated.client import Client
from generated.limits import Limits
from pgflow_runtime.errors import InvalidInput

given: Limits = {"name": "a"}
with Client.connect(sys.argv[1]) as client:
    assert client.start_limits(given).result(30)["sized"] == 10
    try:
        client.start_limits({"name": "toolong", "batch": -5})
    except InvalidInput as error:
        print(error)
"""


def test_bounds_hold_and_defaults_are_filled_in(models: Lab) -> None:
    models.project.write("limited.py", LIMITED)
    with models.worker("limits"):
        done = models.project.python("limited.py", models.dsn)
        assert done.returncode == 0, done.stderr
        assert "-5 is less than the minimum of 1" in done.stdout
        assert "toolong" in done.stdout
        (row,) = models.sql("select input from pgflow.runs")
        assert row["input"] == {"name": "a", "batch": 10, "colour": "blue"}
        assert models.completed(models.start("limits", {"name": "b"})) == {"sized": 10}
        assert "51" in models.failed(models.start("limits", {"name": "b", "batch": 51}))


BAGS = """
import sys
from datetime import timedelta
from generated.bags import Bag, BagGiven
from generated.client import Client

given: BagGiven = {"pair": (3, {"sku": "a"}), "many": (timedelta(seconds=1),), "colours": {"red", "blue"}}
with Client.connect(sys.argv[1]) as client:
    run = client.start_bags(given)
    assert run.result(30)["counted"] == (2, {(1, "a"), (2, "b")}), run.output
    packed: Bag | None = run.step("packed").output
    assert packed == {
        "pair": (3.0, {"sku": "a", "quantity": 1}), "many": (timedelta(seconds=1),),
        "colours": {"red", "blue"}, "names": frozenset({"a", "b"}),
    }, packed
"""


def test_tuples_and_sets_arrive_as_what_they_are(models: Lab) -> None:
    models.project.write("bags.py", BAGS)
    with models.worker("bags"):
        done = models.project.python("bags.py", models.dsn)
    assert done.returncode == 0, done.stderr
    checked = models.project.python("-m", "mypy", "--strict", "bags.py")
    assert checked.returncode == 0, checked.stdout
    (row,) = models.sql("select output from pgflow.runs")
    assert row["output"]["counted"] == [2, [[1, "a"], [2, "b"]]]
