"""Flows that start others: what they take over from these, also where a build read next to nothing anew."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pgflow_gen.config import Config
from pgflow_gen.contracts import read_contract
from pgflow_gen.incremental import worker_process
from pgflow_gen.pipeline import build, check
from tests.support.analysis import write_project

CHILD = """\
from typing import TypedDict
from pgflow_runtime import Flow
class Line(TypedDict):
    text: str
invoice = Flow[int]("invoice")
@invoice.step
def number(flow_input: int) -> str:
    return str(flow_input)
@invoice.step
def lines(flow_input: int) -> list[Line]:
    return []
"""
PARENT = """\
from typing import TypedDict
from pgflow_runtime import Flow
class Bill(TypedDict):
    number: str
class Whole(TypedDict):
    number: str
    lines: list[dict[str, str]]
order = Flow[int]("order")
@order.step(subflow="invoice")
def bill(flow_input: int) -> int:
    return flow_input
"""
CONSUMER = """\
@order.step
def sent(bill: Bill) -> str:
    return bill["number"]
"""


def project(root: Path, **modules: str) -> Config:
    write_project(root, {f"flows/{name}.py": text for name, text in modules.items()})
    return Config(root.resolve())


def codes(config: Config) -> list[str]:
    return [item.code for item in build(config, verify=False).diagnostics]


def contract(config: Config, stem: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((config.root / "generated" / "schemas" / f"{stem}.json").read_text())
    return found


def generated(config: Config) -> dict[str, bytes]:
    folder = config.root / "generated"
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("named", ['"invoice"', "invoice"])
def test_a_child_that_changes_changes_its_parent(tmp_path: Path, named: str) -> None:
    parent = PARENT.replace('"invoice"', named).replace(
        "from typing", "from flows.child import invoice\nfrom typing", 1
    )
    config = project(tmp_path / "one", child=CHILD, parent=parent)
    assert codes(config) == []
    output = contract(config, "order")["$defs"]["InvoiceOutput"]
    assert output["properties"]["number"] == {"type": "string"}
    for old, new in (
        ("-> str:\n    return str(flow_input)", "-> int:\n    return flow_input"),
        ("text: str", "text: bool"),
    ):
        child = (tmp_path / "one" / "flows" / "child.py").read_text().replace(old, new)
        (tmp_path / "one" / "flows" / "child.py").write_text(child)
        assert codes(config) == []
        fresh = project(tmp_path / f"fresh {len(new)}", child=child, parent=parent)
        assert codes(fresh) == []
        assert generated(config) == generated(fresh)
    assert contract(config, "order")["$defs"]["InvoiceOutput"]["properties"]["number"] == {"type": "integer"}
    assert contract(config, "order")["$defs"]["Line"]["properties"]["text"] == {"type": "boolean"}


def test_a_parent_is_judged_anew_when_its_child_changes(tmp_path: Path) -> None:
    whole = PARENT.replace("number: str\n    lines", "number: int\n    lines")
    config = project(
        tmp_path,
        child=CHILD,
        parent=whole
        + CONSUMER.replace("Bill", "Whole").replace(
            '-> str:\n    return bill["number"]', "-> int:\n    return 1"
        ),
    )
    assert codes(config) == ["PGF303"]
    child = config.root / "flows" / "child.py"
    child.write_text(child.read_text().replace("-> str:", "-> int:").replace("str(flow_input)", "1"))
    assert codes(config) == ["PGF303"]  # its lines are no dicts of strings
    child.write_text(child.read_text().replace("list[Line]", "list[dict[str, str]]"))
    assert codes(config) == []
    child.write_text(
        child.read_text().replace("Flow[int]", "Flow[str]").replace("flow_input: int", "flow_input: str")
    )
    assert codes(config) == ["PGF318"]
    child.unlink()
    assert codes(config) == ["PGF233"]


def test_circles_are_found_when_the_other_flow_closes_them(tmp_path: Path) -> None:
    config = project(tmp_path, child=CHILD, parent=PARENT)
    assert codes(config) == []
    child = config.root / "flows" / "child.py"
    child.write_text(
        f'{CHILD}@invoice.step(subflow="order")\ndef back(flow_input: int) -> int:\n    return 1\n'
    )
    assert codes(config) == ["PGF234", "PGF234"]
    parent = config.root / "flows" / "parent.py"
    parent.write_text(PARENT.replace('"invoice")', '"invoice", max_depth=4)'))
    assert codes(config) == []


def test_a_grandchild_reaches_the_parent(tmp_path: Path) -> None:
    middle = """\
from pgflow_runtime import Flow
middle = Flow[int]("middle")
@middle.map(array="numbers", subflow="invoice", when_exhausted="value")
def all_of_them(number: int) -> int:
    return number
@middle.array
def numbers(flow_input: int) -> list[int]:
    return [flow_input]
"""
    parent = PARENT.replace('subflow="invoice"', 'subflow="middle"')
    config = project(tmp_path, child=CHILD, middle=middle, parent=parent)
    assert codes(config) == []
    assert set(contract(config, "order")["$defs"]) == {"$failed", "InvoiceOutput", "Line", "MiddleOutput"}
    child = config.root / "flows" / "child.py"
    child.write_text(child.read_text().replace("text: str", "words: str"))
    assert codes(config) == []
    assert set(contract(config, "order")["$defs"]["Line"]["properties"]) == {"words"}


def test_one_module_is_judged_with_the_flows_that_it_starts_elsewhere(tmp_path: Path) -> None:
    config = project(tmp_path, child=CHILD, parent=PARENT + CONSUMER)
    parent = config.root / "flows" / "parent.py"
    report = check(config, verify=False, only=parent)
    assert (report.diagnostics, [flow.slug for flow in report.analysis.flows]) == (
        (),
        ["order"],
    )
    assert "InvoiceOutput" in read_contract(config.root, parent, "order")["$defs"]
    (config.root / "flows" / "child.py").write_text("")
    assert [item.code for item in check(config, verify=False, only=parent).diagnostics] == ["PGF233"]


def test_faults_of_a_child_keep_its_parent_from_being_rendered(tmp_path: Path) -> None:
    faulty = CHILD.replace("-> str:", "-> strr:")
    config = project(tmp_path, child=faulty, parent=PARENT + CONSUMER)
    assert codes(config) == ["PGF103"]
    assert [flow.slug for flow in check(config, verify=False).sound] == []


def test_the_outcome_is_the_same_with_a_second_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    modules = {
        f"flow_{number}": PARENT.replace("order", f"order_{number}")
        for number in range(worker_process.MANY + 5)
    }
    found = []
    for processors in (1, 2):
        monkeypatch.setattr(worker_process, "_processors", lambda count=processors: count)
        config = project(tmp_path / str(processors), child=CHILD, **modules)
        assert codes(replace(config)) == []
        found.append(generated(config))
    assert found[0] == found[1]


GENERATED = PARENT.replace(
    "from pgflow_runtime", "from generated.invoice import InvoiceOutput\nfrom pgflow_runtime"
) + CONSUMER.replace("Bill", "InvoiceOutput | None")


def test_a_flows_output_may_be_annotated_before_it_was_ever_generated(tmp_path: Path) -> None:
    sent = '@order.step\ndef told(sent: "list[InvoiceOutput]") -> int:\n    return len(sent)\n'
    parent = (
        GENERATED.replace('-> str:\n    return bill["number"]', "-> list[InvoiceOutput]:\n    return []")
        + sent
    )
    config = project(tmp_path, child=CHILD, parent=parent)
    assert build(config).diagnostics == ()
    assert contract(config, "order")["$defs"]["InvoiceOutput"]["properties"]["number"] == {"type": "string"}
    child = config.root / "flows" / "child.py"
    child.write_text(CHILD.replace("-> str:", "-> int:").replace("str(flow_input)", "flow_input"))
    assert build(config).diagnostics == ()  # what lies in the folder of generated files is out of date
    assert contract(config, "order")["$defs"]["InvoiceOutput"]["properties"]["number"] == {"type": "integer"}


def test_what_will_not_be_generated_is_no_type(tmp_path: Path) -> None:
    config = project(
        tmp_path, child=CHILD, parent=GENERATED.replace("invoice import Inv", "invoices import Inv")
    )
    assert codes(config) == ["PGF103"]
    other = GENERATED.replace("import InvoiceOutput", "import OrderOutput as InvoiceOutput")
    assert codes(project(tmp_path / "other", child=CHILD, parent=other)) == ["PGF103"]


def test_the_callers_type_of_an_output_is_not_the_handlers_where_classes_are_in_it(tmp_path: Path) -> None:
    classes = CHILD.replace(
        "class Line(TypedDict)", "from dataclasses import dataclass\n@dataclass\nclass Line"
    )
    config = project(tmp_path, child=classes, parent=GENERATED)
    assert codes(config) == ["PGF303"]
    assert codes(replace(config, client_types="native")) == []  # callers have the class, too
    text = GENERATED.replace(
        "Bill(TypedDict):\n    number: str", "Bill(TypedDict):\n    number: str\n    lines: list[Line]"
    )
    mended = text.replace("InvoiceOutput | None", "Bill").replace(
        "from typing", "from flows.child import Line\nfrom typing", 1
    )
    (config.root / "flows" / "parent.py").write_text(mended)
    assert build(config).diagnostics == ()
