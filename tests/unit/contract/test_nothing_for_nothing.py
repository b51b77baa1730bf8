"""A flow of TypedDicts pays nothing for models: nothing is converted, nothing more is imported."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from pgflow_gen.config import Config
from pgflow_gen.pipeline import build
from pgflow_runtime.contract import FlowContract
from tests.support.analysis import write_project

PLAIN = """\
from typing import Literal, NotRequired, TypedDict
from pgflow_runtime import Flow, JsonValue
class Line(TypedDict):
    sku: str
    count: int
class In(TypedDict):
    lines: list[Line]
    mode: Literal["a", "b"]
    rest: NotRequired[dict[str, JsonValue]]
    above: "In | None"
plain = Flow[In]("plain")
@plain.step
def one(flow_input: In) -> list[Line] | str | None:
    return flow_input["lines"]
@plain.array
def two(one: list[Line] | str | None, flow_input: In) -> list[Line]:
    return flow_input["lines"]
@plain.map(array=two)
def three(line: Line) -> Line:
    return line
"""
WORK = """
import json, sys
from pathlib import Path
from pgflow_runtime.contract import FlowContract
contract = FlowContract.load(Path("generated/schemas/plain.json"))
given = {"lines": [{"sku": "a", "count": 1}], "mode": "a", "above": None}
text = json.dumps(given)
contract.deliver_flow_input(given, text)
step = contract.steps["one"]
step.deliver_input({}, "{}")
step.dump_output([{"sku": "a", "count": 1}])
import generated.plain, generated.client
generated.plain.CONTRACT.read_output
print(json.dumps(sorted(sys.modules)))
"""
OURS = ("classes", "decoding", "encoding", "python_types", "scalars")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("plain").resolve()
    write_project(root, {"flows/plain.py": PLAIN})
    assert not build(Config(root), verify=False).diagnostics
    return root


def test_no_value_of_it_is_converted(root: Path) -> None:
    contract = FlowContract.load(root / "generated/schemas/plain.json")
    assert contract.decode_input is contract.read_input is contract.read_output is None
    for step in contract.steps.values():
        assert step.decode_input is step.decode_output is step.read_output is None
        assert step._encode_output is None


def test_what_converts_is_not_imported(root: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WORK], cwd=root, capture_output=True, encoding="utf-8", check=False
    )
    assert done.returncode == 0, done.stderr
    modules = set(json.loads(done.stdout))
    assert not modules & {f"pgflow_runtime.contract.{name}" for name in OURS}
    assert not modules & {"pydantic", "attr", "attrs", "annotated_types", "libcst", "flows.plain"}


def test_its_contract_and_client_know_of_no_class(root: Path) -> None:
    schema = (root / "generated/schemas/plain.json").read_text(encoding="utf-8")
    assert '"kind": "dataclass"' not in schema
    assert schema.count('"x-pgflow"') == 1  # the contract itself
