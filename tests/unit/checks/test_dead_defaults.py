"""Defaults that never count, because a step that cascades takes the one with the default along (316)."""

from __future__ import annotations

import pytest

from pgflow_gen.ir.flow import FlowSpec, Json
from tests.support.ir import STR, dict_of, element, flow, judge, list_of, param, step

INPUT = dict_of(STR)
TEXTS = list_of(STR)
EXHAUSTED: dict[str, Json] = {"when_exhausted": "skip-cascade"}
UNMET: dict[str, Json] = {"if_not": {"gift": "no"}, "when_unmet": "skip-cascade"}
DEAD: dict[str, FlowSpec] = {
    "of a step whose attempts are over": flow(
        step("a", options=EXHAUSTED), step("join", param("a", STR, default=True)), input=INPUT
    ),
    "of a step whose input must not match": flow(
        step("a", options=UNMET), step("join", param("a", STR, default=True)), input=INPUT
    ),
    "of one in between": flow(
        step("top", options=UNMET), step("a", param("top", STR)), step("join", param("a", STR, default=True)),
        input=INPUT,
    ),
    "of one that only runs after it": flow(
        step("top", options=EXHAUSTED), step("a", depends_on=("top",)),
        step("join", param("a", STR, default=True)), input=INPUT,
    ),
    "of a map over its elements": flow(
        step("top", kind="array", returns=TEXTS, options=EXHAUSTED),
        step("a", element("item", STR), kind="map", array="top"),
        step("join", param("a", TEXTS, default=True)), input=INPUT,
    ),
    "beside one that counts": flow(
        step("b", options={"when_exhausted": "skip"}), step("a", options=UNMET),
        step("join", param("b", STR, default=True), param("a", STR, default=True)), input=INPUT,
    ),
}  # fmt: skip
ALIVE: dict[str, FlowSpec] = {
    "where the step is skipped alone": flow(
        step("a", options={"if_": {"gift": "yes"}}), step("join", param("a", STR, default=True)), input=INPUT
    ),
    "where it cascades in one way of two": flow(
        step("a", options={"if_": {"gift": "yes"}, **EXHAUSTED}), step("join", param("a", STR, default=True)),
        input=INPUT,
    ),
    "where nothing has a default": flow(
        step("a", options=UNMET), step("join", param("a", STR)), input=INPUT
    ),
    "where only another dependency cascades": flow(
        step("b", options=EXHAUSTED), step("a", options={"when_exhausted": "skip"}),
        step("join", param("b", STR), param("a", STR, default=True)), input=INPUT,
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", DEAD)
def test_a_default_that_never_counts(case: str) -> None:
    (found,) = judge(DEAD[case])
    assert (found.code, found.severity) == ("PGF316", "warning")
    assert "'a'" in found.message
    assert found.help is not None


@pytest.mark.parametrize("case", ALIVE)
def test_a_default_that_counts(case: str) -> None:
    assert judge(ALIVE[case]) == ()
