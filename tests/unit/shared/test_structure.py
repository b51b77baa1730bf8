"""What changed from one structure of a flow to another, in words."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pgflow_gen.ir.flow import StepSpec, SubflowName
from pgflow_gen.ir.structure import structure
from pgflow_shared.structure import changes
from tests.support.ir import STR, Types, element, flow, list_of, param, span, step


def shape(*steps: StepSpec) -> Any:
    return structure(flow(*steps, input=list_of(STR)), Types().table)


def starting(slug: str, kind: Any = "step") -> StepSpec:
    made = step("a", *([element("item", STR)] if kind == "map" else []), kind=kind)
    return replace(made, subflow=SubflowName(slug, span(1)))


def test_what_a_step_starts_is_structure() -> None:
    (only,) = shape(starting("invoice"))["steps"]
    assert only == {
        "slug": "a",
        "type": "single",
        "dependencies": [],
        "kind": "subflow",
        "subflow": "invoice",
    }
    told = list(changes(shape(step("a")), shape(starting("invoice"))))
    assert told == ["step 'a' is a run of flow 'invoice' now; it was a single task"]
    told = list(changes(shape(starting("invoice")), shape(starting("invoice_v2", "map"))))
    assert told == [
        "step 'a' is a run of flow 'invoice_v2' for each element now; it was a run of flow 'invoice'"
    ]


def test_the_array_is_structure_where_a_map_has_other_inputs() -> None:
    numbers, words = step("numbers", returns=list_of(STR)), step("words", returns=list_of(STR))

    def each(array: str | None, *others: str) -> StepSpec:
        named = [param(name, list_of(STR)) for name in others]
        return step("each", element("item", STR), *named, kind="map", array=array)

    def found(array: str | None, *others: str) -> Any:
        return next(
            item for item in shape(numbers, words, each(array, *others))["steps"] if item["slug"] == "each"
        )

    assert "array" not in found("numbers")
    assert "array" not in found(None)
    assert found(None, "words")["array"] == "flow_input"
    assert found("numbers", "words") == {
        "slug": "each", "type": "map", "dependencies": ["numbers", "words"], "array": "numbers",
    }  # fmt: skip
    before, after = (
        shape(numbers, words, each("numbers", "words")),
        shape(numbers, words, each("words", "numbers")),
    )
    assert list(changes(before, after)) == ["step 'each' goes over 'words' now; it went over 'numbers'"]
