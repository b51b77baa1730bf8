"""A flow's contract: read from the generated file, judging inputs and outputs."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from pgflow_runtime.contract import FlowContract
from pgflow_runtime.errors import BoundaryError, InvalidInput, ProjectError
from tests.support.crawl import CONTRACT, DOCUMENT, contract_of, write_contract


def test_contract_is_read_from_beside_the_generated_module_and_not_before_it_is_asked(tmp_path: Path) -> None:
    contract = FlowContract.beside(str(tmp_path / "crawl.py"), "crawl")
    write_contract(tmp_path)
    assert (contract.slug, contract.version, contract.flow) == ("crawl", 1, "flows.crawl:crawl")
    assert contract.modules == ("flows.crawl",)
    assert list(contract.steps) == ["urls", "fetch", "report", "note"]
    assert contract.steps["fetch"].is_map
    assert contract.steps["fetch"].is_async


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "is missing"),
        ("{", "cannot be read"),
        ("[]", "is not a contract"),
        ('{"x-pgflow": {}}', "another version of pgflow-gen"),
        ('{"x-pgflow": {"steps": {"a": {"module": "m"}}}}', "another version of pgflow-gen"),
    ],
)
def test_file_that_is_no_contract_says_to_build(tmp_path: Path, text: str | None, words: str) -> None:
    path = tmp_path / "crawl.json"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    with pytest.raises(ProjectError, match=words) as failure:
        FlowContract.load(path)
    assert "pgflow-gen build" in (failure.value.help or "")


@pytest.mark.parametrize(
    ("value", "path", "reason"),
    [
        (5, "input", "expected object, got int 5"),
        (None, "input", "expected object, got None"),
        ({}, "input", "the key 'urls' is missing"),
        ({"urls": "x"}, "input.urls", "expected list, got string 'x'"),
        ({"urls": ["x", 1]}, "input.urls[1]", "expected string, got int 1"),
        ({"urls": [], "x": 1}, "input", "unknown key 'x'; the keys are language, seen, urls"),
        (
            {"urls": [], "seen": [{"url": "a"}, {"ulr": "b"}]},
            "input.seen[1]",
            "unknown key 'ulr'; did you mean 'url'?",
        ),
        ({"urls": [], "seen": [3]}, "input.seen[0]", "expected object or null, got int 3"),
        (
            {"urls": [], "seen": [{"url": "a", "links": [{"url": "b", "links": [{"url": 7}]}]}]},
            "input.seen[0].links[0].links[0].url",
            "expected string, got int 7",
        ),
        ({"urls": ("x",)}, "input.urls", "is of type tuple"),
        ({"urls": [float("nan")]}, "input.urls[0]", "is nan"),
    ],
)
def test_input_that_does_not_fit(value: Any, path: str, reason: str) -> None:
    with pytest.raises(InvalidInput) as failure:
        CONTRACT.check_input(value)
    assert failure.value.path == path
    assert reason in failure.value.reason


def test_all_that_is_wrong_with_an_input_is_told_at_once() -> None:
    value = {"urls": ["x", 1, 2], "seen": [3, {"ulr": "b"}], "x": 1, "y": 2}
    with pytest.raises(InvalidInput) as failure:
        CONTRACT.check_input(value)
    for place in ("input.urls[1]", "input.urls[2]", "input.seen[0]", "input.seen[1]", "'x'", "'y'"):
        assert place in str(failure.value)
    assert failure.value.path == failure.value.args[0].partition(":")[0]


def test_of_very_many_faults_some_are_told() -> None:
    with pytest.raises(InvalidInput) as failure:
        CONTRACT.check_input({"urls": list(range(10_000))})
    assert str(failure.value).count("expected string") == 20


def test_input_that_fits_is_encoded_unchanged() -> None:
    value = {"urls": ["a"], "seen": [None, {"url": "b", "links": []}]}
    assert json.loads(CONTRACT.encode_input(value)) == value


def test_stored_values_may_have_more_keys_than_declared() -> None:
    CONTRACT.check_flow_input({"urls": [], "later": 1})
    CONTRACT.steps["fetch"].check_output({"url": "a", "size": 3})
    with pytest.raises(BoundaryError, match=r"^flow_input\.urls\[0\]: expected string"):
        CONTRACT.check_flow_input({"urls": [1]})


def test_handler_results_are_held_against_their_type() -> None:
    fetch = CONTRACT.steps["fetch"]
    fetch.check_output({"url": "a", "links": [{"url": "b"}]})
    with pytest.raises(BoundaryError, match=r"^output\.links\[0\]: the key 'url' is missing"):
        fetch.check_output({"url": "a", "links": [{}]})
    with pytest.raises(BoundaryError, match="is of type set"):
        CONTRACT.steps["note"].check_output({1})


def test_fields_named_like_keywords_of_json_schema_are_just_fields() -> None:
    document = copy.deepcopy(DOCUMENT)
    document["$defs"]["CrawlInput"] = {
        "type": "object",
        "properties": {
            "properties": {"type": "object", "additionalProperties": {"type": "integer"}},
            "items": {"enum": ["properties", 1]},
        },
        "required": ["properties"],
    }
    contract = contract_of(document)
    contract.check_input({"properties": {"additionalProperties": 1, "anything": 2}, "items": 1})
    with pytest.raises(InvalidInput, match="expected one of 'properties', 1, got int 2"):
        contract.check_input({"properties": {}, "items": 2})
    with pytest.raises(InvalidInput, match="unknown key 'item'"):
        contract.check_input({"properties": {}, "item": 2})
