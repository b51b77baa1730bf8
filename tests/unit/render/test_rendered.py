"""The files as a whole: valid, importable, complete, the same wherever and however often they are made."""

from __future__ import annotations

import ast
import hashlib
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from pgflow_gen.config import Config
from pgflow_gen.ir.flow import Analysis, FlowKey
from pgflow_gen.ir.types import INT, NONE, Field, Record, RecordRef, TypeKey, TypeTable
from pgflow_gen.render import Rendered, render
from tests.support.ir import STR, flow, param, step
from tests.unit.render.zoo import ANALYSIS, FLOW, TYPES

ROOT = Path(__file__).resolve().parents[3]
CONFIG = Config(Path("/nowhere"))


@pytest.fixture(scope="module")
def zoo() -> Rendered:
    return render(ANALYSIS, CONFIG)


@pytest.fixture(scope="module")
def contract(zoo: Rendered) -> dict[str, Any]:
    return dict(json.loads(zoo.text("schemas/zoo.json")))


def test_the_files_are_those_of_the_house(zoo: Rendered) -> None:
    assert [file.path for file in zoo.files] == [
        "__init__.py",
        "_typecheck.py",
        "client.py",
        "docs/zoo.md",
        "py.typed",
        "schemas/zoo.json",
        "zoo.py",
    ]


def test_python_parses_and_text_is_lf(zoo: Rendered) -> None:
    for file in zoo.files:
        assert b"\r" not in file.content
        assert file.content == b"" or file.content.endswith(b"\n")
        assert not file.content.endswith(b"\n\n")
        if file.path.endswith(".py"):
            ast.parse(file.content)


def test_generated_modules_can_be_imported_and_asked(zoo: Rendered, tmp_path: Path) -> None:
    """Without typing_extensions: from Python 3.13 on nothing of ours brings it along."""
    for file in zoo.files:
        place = tmp_path / "generated" / file.path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(file.content)
    program = """
import sys
import pgflow_runtime.client
from pgflow_runtime import JsonValue  # before Python 3.12 of a class that psycopg's typing_extensions has
sys.modules["typing_extensions"] = None
from generated import zoo, client, _typecheck
assert list(zoo.ZooInput.__annotations__) == ["animals", "others", "tree", "boxes", "odd"]
assert zoo.ZooRun.contract is zoo.CONTRACT
assert callable(client.Client.start_zoo) and callable(client.AsyncClient.start_many_zoo)
assert "flows" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=True)


def test_no_handler_code_is_imported_by_what_callers_import(zoo: Rendered) -> None:
    for path in ("zoo.py", "client.py", "__init__.py"):
        modules = [
            node.module for node in ast.walk(ast.parse(zoo.text(path))) if isinstance(node, ast.ImportFrom)
        ]
        assert not [name for name in modules if name and name.startswith(("flows", "lib"))]


def test_the_same_bytes_under_any_hash_seed_and_from_any_folder(zoo: Rendered, tmp_path: Path) -> None:
    program = f"""
import sys, hashlib
sys.path.insert(0, {str(ROOT)!r})
from pathlib import Path
from pgflow_gen.config import Config
from pgflow_gen.render import render
from tests.unit.render.zoo import ANALYSIS
for file in render(ANALYSIS, Config(Path.cwd())).files:
    print(file.path, hashlib.sha256(file.content).hexdigest())
"""
    expected = [f"{file.path} {hashlib.sha256(file.content).hexdigest()}" for file in zoo.files]
    for seed in ("1", "4711"):
        done = subprocess.run(
            [sys.executable, "-c", program],
            cwd=tmp_path,
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.splitlines() == expected


def test_a_schema_is_valid_and_open(contract: dict[str, Any]) -> None:
    jsonschema_rs.meta.validate(contract)
    validator = jsonschema_rs.Draft202012Validator({"$ref": "#/$defs/ZooInput", "$defs": contract["$defs"]})
    good: dict[str, Any] = {
        "animals": [{"name": "a", "kind": "it's", "parent": None}],
        "others": {"any key": {"legs": 4, "an extra key": True}},
        "tree": [{"a": [1, {"b": 2}]}],
        "odd": {"a key": 1, "__secret": False, "class": {"a key": 1, "__secret": True}},
        "boxes": {"content": ["a"], "more": []},
    }
    validator.validate(good)
    for broken in (
        {**good, "animals": [{"name": "a", "kind": "dog"}]},
        {**good, "animals": [{"name": "a", "kind": "cat", "parent": 1}]},
        {**good, "tree": "leaf"},
        {**good, "tree": [True]},
        {**good, "boxes": {"content": ["a"], "more": [{"content": 1, "more": []}]}},
        {**good, "odd": {"a key": 1}},
        {key: value for key, value in good.items() if key != "others"},
    ):
        assert not validator.is_valid(broken)


def test_a_schema_refers_to_names_beyond_ascii() -> None:
    key = TypeKey("flows.example", "Größe")
    types = TypeTable({key: Record(key, (Field("höhe", INT),))})
    made = flow(step("only", param("flow_input", RecordRef(key))), slug="one", input=RecordRef(key))
    schema = json.loads(render(Analysis((made,), types), CONFIG).text("schemas/one.json"))
    jsonschema_rs.meta.validate(schema)
    validator = jsonschema_rs.Draft202012Validator(
        {**schema["properties"]["input"], "$defs": schema["$defs"]}
    )
    assert validator.is_valid({"höhe": 1})
    assert not validator.is_valid({"höhe": "high"})


def test_the_contract_tells_the_worker_what_to_call(contract: dict[str, Any]) -> None:
    told = contract["x-pgflow"]
    assert (told["slug"], told["version"], told["flow"], told["modules"]) == (
        "zoo",
        1,
        "flows.zoo:zoo",
        ["flows.zoo"],
    )
    walk = told["steps"]["walk"]
    assert (walk["module"], walk["function"], walk["kind"], walk["async"]) == (
        "flows.zoo",
        "walk",
        "map",
        True,
    )
    assert [(item["name"], item["receives"]) for item in walk["params"]] == [
        ("ctx", "context"),
        ("run", "element"),
    ]
    assert walk["input"] == {"$ref": "#/$defs/Run"}
    assert walk["output"] == {"$ref": "#/$defs/TypesFeedOutput"}
    assert told["steps"]["feed"]["input"] == {}
    assert told["steps"]["_"]["input"]["required"] == ["feed"]
    assert told["steps"]["report"]["params"][1]["default"] is True
    assert told["settings"] == {
        "steps": {
            "feed": {},
            "walk": {},
            "class": {"when_exhausted": "skip"},
            "_": {"if": {"feed": []}},
            "report": {},
        }
    }
    assert told["structure"]["steps"][0] == {"slug": "_", "type": "single", "dependencies": ["class", "feed"]}


def test_a_leaf_below_a_step_that_cascades_is_not_required() -> None:
    first = step("first", param("flow_input", STR), options={"when_exhausted": "skip-cascade"})
    made = flow(first, step("last", param("first", STR)), step("other", param("flow_input", STR)), slug="f")
    rendered = render(Analysis((made,), TYPES), CONFIG)
    output = json.loads(rendered.text("schemas/f.json"))["properties"]["output"]
    assert list(output["properties"]) == ["last", "other"]
    assert output["required"] == ["other"]
    assert "last: NotRequired[str]" in rendered.text("f.py")


def test_a_flow_without_input_starts_without_one() -> None:
    made = flow(step("a", depends_on=()), slug="tick", input=NONE)
    rendered = render(Analysis((made,), TYPES), CONFIG)
    client = " ".join(rendered.text("client.py").split())
    assert "def start_tick( self, *, run_id: UUID | None = None, start_at:" in client
    assert "self, count: int, /, *, run_ids: Sequence[UUID] | None = None" in client
    assert "TickInput: TypeAlias = None" in rendered.text("tick.py")


def test_a_single_step_needs_no_overloads() -> None:
    made = flow(step("only", param("flow_input", STR)), slug="one")
    text = render(Analysis((made,), TYPES), CONFIG).text("one.py")
    assert "overload" not in text
    assert 'def step(self, slug: Literal["only"], /) -> AsyncStepRun[OnlyOutput]:' in text


def test_the_highest_version_owns_the_plain_names() -> None:
    versions = [
        replace(FLOW, version=number, key=FlowKey(FLOW.key.module, f"zoo_{number}")) for number in (1, 3, 2)
    ]
    rendered = render(Analysis(tuple(versions), TYPES), CONFIG)
    modules = [file.path for file in rendered.files if file.path.endswith(".py")]
    assert modules == ["__init__.py", "_typecheck.py", "client.py", "zoo.py", "zoo_v1.py", "zoo_v2.py"]
    assert json.loads(rendered.text("schemas/zoo.json"))["x-pgflow"]["slug"] == "zoo_v3"
    assert json.loads(rendered.text("schemas/zoo_v1.json"))["x-pgflow"]["slug"] == "zoo"
    client = rendered.text("client.py")
    assert "from .zoo import AsyncZooRun, ZooInput, ZooRun" in client
    assert "ZooInput as ZooV1Input" in client
    assert "def start_zoo_v2( self, input: ZooV2Input" in " ".join(client.split())


def test_no_flows_make_a_client_without_methods() -> None:
    rendered = render(Analysis((), TYPES), CONFIG)
    ast.parse(rendered.text("client.py"))
    assert "start_" not in rendered.text("client.py")
