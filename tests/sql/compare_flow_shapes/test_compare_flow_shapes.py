"""What differs between two structures (specification/core.md, "Definitions")."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.core import Core
from tests.support.shapes import differences, shape, step

A, B = step("a"), step("b", "a")
PATTERN = {"defined": True, "value": {"status": "active"}}


def test_equal_shapes(core: Core) -> None:
    assert differences(core, shape(A, B), shape(A, B)) == []
    assert differences(core, shape(), shape()) == []


def test_options_and_order_of_dependencies_do_not_matter(core: Core) -> None:
    left = shape(A, B, step("c", "a", "b", options={"timeout": 1}), timeout=5)
    assert differences(core, left, shape(A, B, step("c", "b", "a"))) == []


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        (
            shape(A), shape(A, B),
            ["Step count differs: 1 vs 2", "Step at index 1: missing in first shape (second has 'b')"],
        ),
        (
            shape(A, B), shape(A),
            ["Step count differs: 2 vs 1", "Step at index 1: missing in second shape (first has 'b')"],
        ),
        (shape(A), shape(step("x")), ["Step at index 0: slug differs 'a' vs 'x'"]),
        (shape(A), shape(step("a", stepType="map")), ["Step at index 0: type differs 'single' vs 'map'"]),
        (
            shape(A, B, step("c", "b", "a")), shape(A, B, step("c", "b")),
            ["Step at index 2: dependencies differ [a, b] vs [b]"],
        ),
        (shape(A, B), shape(A, step("b")), ["Step at index 1: dependencies differ [a] vs []"]),
        (
            shape(A), shape(step("a", whenUnmet="fail")),
            ["Step at index 0: whenUnmet differs 'skip' vs 'fail'"],
        ),
        (
            shape(A), shape(step("a", whenExhausted="skip")),
            ["Step at index 0: whenExhausted differs 'fail' vs 'skip'"],
        ),
        (
            shape(step("a", requiredInputPattern=PATTERN)), shape(A),
            [
                "Step at index 0: requiredInputPattern differs "
                """'{"value": {"status": "active"}, "defined": true}' vs '{"defined": false}'"""
            ],
        ),
        (
            shape(A), shape(step("a", forbiddenInputPattern=PATTERN)),
            [
                "Step at index 0: forbiddenInputPattern differs "
                """'{"defined": false}' vs '{"value": {"status": "active"}, "defined": true}'"""
            ],
        ),
        (
            shape(A, B), shape(step("x"), step("b", stepType="map", whenUnmet="fail")),
            [
                "Step at index 0: slug differs 'a' vs 'x'",
                "Step at index 1: type differs 'single' vs 'map'",
                "Step at index 1: dependencies differ [a] vs []",
                "Step at index 1: whenUnmet differs 'skip' vs 'fail'",
            ],
        ),
    ],
)  # fmt: skip
def test_differences(core: Core, left: dict[str, Any], right: dict[str, Any], expected: list[str]) -> None:
    assert differences(core, left, right) == expected


@pytest.mark.parametrize("key", ["whenUnmet", "whenExhausted"])
def test_modes_that_one_side_does_not_mention(core: Core, key: str) -> None:
    short = {name: value for name, value in step("a", **{key: "skip-cascade"}).items() if name != key}
    assert differences(core, shape(short), shape(step("a", **{key: "skip-cascade"}))) == []
    assert differences(core, shape(step("a", **{key: "skip-cascade"})), shape(short)) == []


@pytest.mark.parametrize("key", ["requiredInputPattern", "forbiddenInputPattern"])
def test_a_pattern_that_one_side_does_not_mention_is_a_difference(core: Core, key: str) -> None:
    short = {name: value for name, value in A.items() if name != key}
    assert len(differences(core, shape(short), shape(A))) == 1
    assert differences(core, shape(short), shape(short)) == []
