"""Models of pydantic, attrs and msgspec on their way through client, database and worker."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.project import Project
from tests.support.server import Server
from tests.support.worker_lab import Lab

FLOWS = Path(__file__).resolve().parents[2] / "support" / "library_flows.py"


@pytest.fixture(scope="module")
def libraries(postgres_server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    root = tmp_path_factory.mktemp("libraries")
    project = Project.make(root, {"flows/lab.py": FLOWS.read_text(encoding="utf-8")})
    project.ok("build")
    dsn = postgres_server.create_database()
    project.ok("migrate", "--dsn", dsn)
    yield Lab(project, dsn, tmp_path_factory.mktemp("meetings"))
    postgres_server.drop_database(dsn)


CALLER = """
import sys
from datetime import UTC, datetime
from uuid import UUID
from generated.client import Client
from generated.orders import OrderGiven

given: OrderGiven = {
    "id": UUID(int=1), "at": datetime(2024, 1, 1, tzinfo=UTC), "items": [{"sku": "x"}],
    "customerName": "bob", "pet": {"kind": "dog"},
}
with Client.connect(sys.argv[1]) as client:
    run = client.start_orders(given)
    small, item = run.result(30)["four"]
    assert small == {"a": 4, "b": [], "c": {"x": 1, "y": 5, "tags": ["bob"], "more": []}}, small
    one = run.step("one").output
    assert one is not None and str(one["items"][0]["price"]) == "1.00" and one["pet"]["kind"] == "dog"
    assert not {"pydantic", "attrs", "flows.lab"} & set(sys.modules)
"""

NATIVE = """
import sys
from generated.client import Client
from flows.lab import Dog, Item, Order

order = Order(items=[Item(sku="x")], customerName="bob", pet=Dog())
with Client.connect(sys.argv[1]) as client:
    run = client.start_orders(order)  # type: ignore[arg-type]
    assert run.step("one").wait_for("completed")["id"] == order.id
"""


def test_models_of_libraries_cross_every_boundary(libraries: Lab) -> None:
    libraries.project.write("caller.py", CALLER)
    libraries.project.write("native.py", NATIVE)
    with libraries.worker("orders"):
        for name in ("caller.py", "native.py"):
            done = libraries.project.python(name, libraries.dsn)
            assert done.returncode == 0, done.stderr
    checked = libraries.project.python("-m", "mypy", "--strict", "caller.py")
    assert checked.returncode == 0, checked.stdout


def test_what_a_validator_refuses_fails_with_its_place(libraries: Lab) -> None:
    given = {
        "id": "00000000-0000-0000-0000-000000000000", "at": "2024-01-01T00:00:00Z",
        "items": [{"sku": "none"}], "customerName": "bob", "pet": {"kind": "cat"},
    }  # fmt: skip
    with libraries.worker("orders"):
        run_id = libraries.start("orders", given)
        assert libraries.ended(run_id)["status"] == "failed"
    (task,) = [task for task in libraries.tasks(run_id) if task["step_slug"] == "one"]
    assert (
        "flow_input.items[0]: is refused by Item: sku: Value error, there is none such"
        in task["error_message"]
    )


ROWS = """
import sys
from datetime import date
from generated.client import Client
from generated.places import PlaceGiven

given: PlaceGiven = (1,)
with Client.connect(sys.argv[1]) as client:
    run = client.start_places(given)
    assert run.result(30) == {"plain": None}
    there = run.step("there").output
    assert there == ((1, 5, date(2024, 1, 1)), 1) and type(there[0]) is tuple, there
    assert run.input == (1, 5, date(2024, 1, 1)), run.input
    assert "flows.lab" not in sys.modules
"""


def test_named_tuples_are_lists_on_the_wire_and_tuples_to_callers(libraries: Lab) -> None:
    libraries.project.write("rows.py", ROWS)
    with libraries.worker("places"):
        done = libraries.project.python("rows.py", libraries.dsn)
        assert done.returncode == 0, done.stderr
    checked = libraries.project.python("-m", "mypy", "--strict", "rows.py")
    assert checked.returncode == 0, checked.stdout


CLASSES = """
import sys
from datetime import date
from generated.client import Client
from flows.lab import Dog, Item, Order, Place, Point, Small

with Client.connect(sys.argv[1]) as client:
    order = Order(items=[Item(sku="x")], customerName="bob", pet=Dog())
    run = client.start_orders(order)
    result = run.result(30)["four"]
    small, item = result
    assert small == Small(a=4, c=Point(1, 5, ["bob"])) and type(item) is Item, result
    one = run.step("one").output
    assert one is not None and type(one) is Order and one.id == order.id and one.items[0].sku == "X"
    assert type(run.input) is Order
    place = client.start_places(Place(1))
    assert place.result(30) == {"plain": None}
    here = place.step("here").output
    assert here is not None and here["a"].at == date(2024, 1, 1) and type(here["a"]) is Place
"""


def test_callers_may_have_the_classes_themselves(libraries: Lab) -> None:
    """The same flows and database, with another client in a folder of its own."""
    table = '[tool.pgflow-gen]\nclient_types = "native"\nmigrations = "others/migrations"\n'
    root = libraries.project.root / "native"
    project = Project.make(root, {"flows/lab.py": FLOWS.read_text(encoding="utf-8"), "classes.py": CLASSES})
    (root / "pyproject.toml").write_text(table, encoding="utf-8")
    project.ok("build")
    checked = project.python("-m", "mypy", "--strict", "classes.py")
    assert checked.returncode == 0, checked.stdout
    imported = project.python("-c", "import generated.orders, sys; assert 'flows' not in sys.modules")
    assert imported.returncode == 0, imported.stderr
    with libraries.worker("orders"), libraries.worker("places"):
        done = project.python("classes.py", libraries.dsn)
        assert done.returncode == 0, done.stderr


ADAPTED = """
from datetime import UTC, datetime
from decimal import Decimal
from typing import NotRequired
from pydantic import BaseModel, TypeAdapter
from generated.orders import Order, OrderGiven
from pgflow_runtime import JsonValue

wire = {
    "id": "00000000-0000-0000-0000-000000000001", "at": "2024-01-01T00:00:00Z", "customerName": "bob",
    "items": [{"sku": "x", "price": "2.50"}], "pet": {"kind": "dog"},
}
given = TypeAdapter(OrderGiven).validate_python(wire)
assert given["at"] == datetime(2024, 1, 1, tzinfo=UTC) and given["items"][0]["price"] == Decimal("2.50")

class Body(BaseModel):
    order: OrderGiven
    rest: dict[str, JsonValue] = {}

body = Body.model_validate({"order": wire, "rest": {"a": [1, {"b": None}]}})
assert body.order["pet"]["kind"] == "dog" and body.rest == {"a": [1, {"b": None}]}
assert "order" in Body.model_json_schema()["required"]
"""


def test_what_is_generated_may_be_a_type_of_pydantics(libraries: Lab) -> None:
    """On Python 3.11, too, where it takes no TypedDict of typing's."""
    libraries.project.write("adapted.py", ADAPTED)
    done = libraries.project.python("adapted.py")
    assert done.returncode == 0, done.stderr
    checked = libraries.project.python("-m", "mypy", "--strict", "adapted.py")
    assert checked.returncode == 0, checked.stdout
