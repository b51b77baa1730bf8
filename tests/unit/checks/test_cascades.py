"""One fault, one finding: what could not be read earns no second finding for what would follow from it."""

from __future__ import annotations

import pytest

from pgflow_gen.checks import run_checks
from pgflow_gen.diagnostics import Findings, Span
from pgflow_gen.ir.flow import Analysis, Json
from pgflow_gen.ir.types import UNKNOWN
from tests.support.ir import INT, STR, Types, codes, dict_of, element, flow, list_of, param, span, step


def after(code: str, place: Span, *, name: str = "c") -> list[str]:
    """What the checks add for a step that asks for ``name``, when ``code`` was reported at ``place``."""
    findings = Findings()
    findings.add(code, place, "reported by analyze")
    flow_ = flow(step("fetch"), step("b", param(name, UNKNOWN)))
    run_checks(Analysis((flow_,), Types().table), findings)
    return [item.code for item in findings if item.message != "reported by analyze"]


def test_an_unresolved_annotation_may_be_the_context() -> None:
    assert after("PGF103", span(22, 30, 5)) == []
    assert after("PGF302", span(22, 30, 5)) == ["PGF203"]
    assert after("PGF103", span(22, 30, 5), name="fecth") == ["PGF203"]


@pytest.mark.parametrize("unread", ["array", "*"])
def test_a_map_over_an_array_that_could_not_be_read_is_no_root_map(unread: str) -> None:
    mapped = step("m", element("item", INT), kind="map", unread=(unread,))
    assert codes(flow(mapped, input=STR)) == []
    assert codes(flow(mapped, input=list_of(STR))) == []


@pytest.mark.parametrize("unread", ["if_", "if_not", "*"])
def test_a_condition_that_could_not_be_read_is_one(unread: str) -> None:
    assert codes(flow(step("a", options={"when_unmet": "fail"}, unread=(unread,)))) == []


def test_a_pattern_over_unknown_dependencies_is_not_judged() -> None:
    condition: dict[str, Json] = {"if_": {"x": 1}}
    flow_ = flow(step("a", options=condition, unread=("depends_on",)), input=dict_of(STR))
    assert codes(flow_) == []


@pytest.mark.parametrize("code", ["PGF211", "PGF214"])
def test_a_flow_whose_steps_could_not_be_read_is_not_without_steps(code: str) -> None:
    findings = Findings()
    findings.add(code, span(5), "reported by analyze")
    run_checks(Analysis((flow(),), Types().table), findings)
    assert [item.code for item in findings] == [code]
