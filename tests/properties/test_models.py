"""Models: what is sent comes back equal, and the contract is what the models' own libraries say of them.

On generated modules of dataclasses, pydantic models, attrs classes, msgspec Structs and NamedTuples, of each
kind as many as ``--oracle-examples`` says.
"""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from pgflow_gen.config import Config
from pgflow_gen.diagnostics import Findings
from pgflow_gen.incremental.analysis import analyze
from pgflow_gen.render import render
from pgflow_runtime.contract.codecs import Codecs
from pgflow_runtime.contract.schema import SchemaCheck
from tests.support.library_schemas import library_schema, ours
from tests.support.model_modules import KINDS, Kind, ModelModule, model_module

BATCH = 200
VALUES = 4


def compiled(root: Path, modules: list[ModelModule]) -> Iterator[tuple[ModelModule, dict[str, Any]]]:
    """Each module with its flow's contract."""
    (root / "flows").mkdir(parents=True)
    for module in modules:
        (root / "flows" / f"{module.name}.py").write_text(module.text, encoding="utf-8")
    findings, config = Findings(), Config(root)
    analysis = analyze(config, findings).analysis
    refused = [f"{item.span}: {item.code} {item.message}" for item in findings if item.severity == "error"]
    assert not refused, "\n".join(refused[:5])
    rendered = render(analysis, config)
    for module in modules:
        yield module, json.loads(rendered.text(f"schemas/{module.name}.json"))


def faults(
    module: ModelModule, contract: dict[str, Any], names: dict[str, Any], compared: list[bool]
) -> Iterator[str]:
    """What does not hold of a module; to ``compared`` is added of each class whether its library knows it."""
    random = Random(module.name)
    definitions = contract["$defs"]
    codecs = Codecs(definitions)
    computed = {field.given for item in module.classes for field in item.fields if field.is_computed}
    for number, item in enumerate(module.classes):
        schema = contract["x-pgflow"]["steps"][f"s{number}"]["output"]
        check = SchemaCheck(schema, definitions, root="x")
        encode, decode = codecs.encode(schema, "x"), codecs.decode(schema, "x")
        assert encode is not None
        assert decode is not None
        for _ in range(VALUES):
            value = item.value(random, names)
            wire = json.loads(json.dumps(encode(value)))
            refused = check.first_fault(wire)
            if refused is not None:
                yield f"{item.use}: {value!r} as {wire} is refused: {refused}"
            elif (back := decode(wire)) != value or type(back) is not type(value):
                yield f"{item.use}: {value!r} comes back as {back!r}"
        theirs = library_schema(module.kind, eval(item.use, names), computed)
        compared.append(theirs is not None)
        if theirs is not None and (found := ours(module.kind, schema, definitions)) != theirs:
            yield f"{item.use}: {json.dumps(found)}\n  its library: {json.dumps(theirs)}"


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_sent_comes_back_and_the_schema_is_the_librarys(
    kind: Kind, tmp_path: Path, oracle_examples: int, property_seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    for start in range(0, oracle_examples, BATCH):
        count = min(BATCH, oracle_examples - start)
        seeds = range(property_seed * 1_000_003 + start, property_seed * 1_000_003 + start + count)
        package = f"models_{kind}_{start}"
        root = tmp_path / package
        monkeypatch.syspath_prepend(str(root))
        modules = [model_module(f"m{start + at}", kind, seed) for at, seed in enumerate(seeds)]
        found, compared = list[str](), list[bool]()
        for module, contract in compiled(root.resolve(), modules):
            for gone in [name for name in sys.modules if name == "flows" or name.startswith("flows.m")]:
                del sys.modules[gone]
            names = vars(importlib.import_module(f"flows.{module.name}"))
            found += [
                f"{module.name}: {fault}\n{module.text}"
                for fault in faults(module, contract, names, compared)
            ]
            del sys.modules[f"flows.{module.name}"]
        assert not found, f"{len(found)} faults\n" + "\n\n".join(found[:2])
        assert sum(compared) * 2 > len(compared), f"{sum(compared)} of {len(compared)} schemas were compared"
