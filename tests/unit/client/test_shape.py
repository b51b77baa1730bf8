"""Structures compared in words."""

from __future__ import annotations

from pgflow_runtime.contract.shape import differences
from pgflow_shared.structure import structure_hash
from tests.support.crawl import STRUCTURE


def test_hash_does_not_depend_on_the_order_of_keys() -> None:
    turned = {"steps": [dict(reversed(step.items())) for step in STRUCTURE["steps"]]}
    assert structure_hash(turned) == structure_hash(STRUCTURE)


def test_differences_are_named() -> None:
    actual = {
        "steps": [
            {"slug": "a", "type": "single", "dependencies": []},
            {"slug": "b", "type": "map", "dependencies": ["a"]},
            {"slug": "d", "type": "single", "dependencies": []},
        ]
    }
    expected = {
        "steps": [
            {"slug": "a", "type": "single", "dependencies": []},
            {"slug": "b", "type": "single", "dependencies": []},
            {"slug": "c", "type": "single", "dependencies": []},
        ]
    }
    assert differences(actual, expected).split("; ") == [
        "dependencies of step 'b': a, not none",
        "it has a step 'd' more",
        "it lacks step 'c'",
        "type of step 'b': map, not single",
    ]
