"""The checks on a flow's graph: what depends on what, and under which names (201-212)."""

from __future__ import annotations

import pytest

from pgflow_gen.diagnostics import Diagnostic
from pgflow_gen.ir.flow import FlowKey, StepName
from tests.support.ir import INT, STR, Types, codes, element, flow, judge, list_of, param, span, step


def only(*diagnostics: Diagnostic) -> Diagnostic:
    assert len(diagnostics) == 1, diagnostics
    return diagnostics[0]


def test_a_sound_flow_has_no_findings() -> None:
    assert judge(flow(step("a", param("flow_input", STR)), step("b", param("a", STR)))) == ()


@pytest.mark.parametrize("slug", ["flow_input", "input", "run", "ctx"])
def test_reserved_step_slugs(slug: str) -> None:
    found = only(*judge(flow(step(slug), step("other"))))
    assert found.code == "PGF201"
    assert found.span.line == 11


def test_a_flows_slug_is_a_queues_name() -> None:
    assert codes(flow(step("a"), slug="f" * 47)) == []
    assert codes(flow(step("a"), slug="f" * 48)) == ["PGF201"]


def test_the_versions_suffix_counts_for_the_queues_name() -> None:
    assert codes(flow(step("a"), slug="f" * 44, version=2)) == []
    found = only(*judge(flow(step("a"), slug="f" * 45, version=2)))
    assert "48 characters" in found.message


def test_a_flow_cannot_be_called_run() -> None:
    assert codes(flow(step("a"), slug="run")) == ["PGF201"]


def test_same_slug_twice_is_at_the_second_handlers_name_and_names_the_first() -> None:
    found = only(*judge(flow(step("a"), step("a", function="again"))))
    assert (found.code, found.span) == ("PGF202", span(21, 5))
    assert found.notes == ("the first step 'a' is defined at flows/example.py:11",)


def test_unknown_dependency_offers_the_near_name() -> None:
    found = only(*judge(flow(step("fetch"), step("count", param("fecth", STR)))))
    assert found.code == "PGF203"
    assert found.message == "step 'count' asks for 'fecth', but flow 'example' has no step 'fecth'"
    assert found.help == "did you mean fetch?"
    assert (found.span.line, found.span.column) == (22, 9)


def test_unknown_dependency_under_the_functions_name_offers_the_slug() -> None:
    found = only(*judge(flow(step("list", function="list_"), step("count", param("list_", STR)))))
    assert found.help == "did you mean list?"
    assert found.notes == ("the step of the function 'list_' has the slug 'list'",)


def test_a_parameter_of_the_flows_input_type_offers_flow_input() -> None:
    types = Types()
    order = types.record("Order", sku=STR)
    found = only(*judge(flow(step("pack", param("payload", order)), input=order), types=types))
    assert (found.code, found.help) == ("PGF203", "did you mean flow_input?")


def test_input_of_the_flows_input_type_is_one_finding_that_offers_flow_input() -> None:
    types = Types()
    order = types.record("Order", sku=STR, quantity=INT)
    found = only(*judge(flow(step("pack", param("input", order)), input=order), types=types))
    assert (found.code, found.help) == ("PGF203", "did you mean flow_input?")
    assert found.span.line == 12


def test_input_must_be_a_typed_dict() -> None:
    found = only(*judge(flow(step("a"), step("b", param("input", list_of(STR))), input=INT)))
    assert found.code == "PGF203"
    assert "names no steps" in found.message


def test_unknown_keys_of_input_are_reported_one_by_one_at_the_parameter() -> None:
    types = Types()
    keys = types.record("Keys", a=STR, x=STR, y=STR)
    found = judge(flow(step("a"), step("b", param("input", keys))), types=types)
    assert [item.code for item in found] == ["PGF203", "PGF203"]
    assert {item.span.line for item in found} == {22}
    assert "input['x']" in found[0].message


def test_depends_on_and_array_of_unknown_steps() -> None:
    found = judge(flow(step("b", depends_on=("x",)), step("m", element("item", STR), kind="map", array="y")))
    assert [(item.code, item.span.line) for item in found] == [("PGF203", 10), ("PGF203", 20)]


def test_a_step_of_another_flow_is_unknown_even_when_the_slug_exists() -> None:
    other = StepName("a", span(1), FlowKey("flows.other", "other"))
    found = only(*judge(flow(step("a"), step("b", depends_on=(other,)))))
    assert found.code == "PGF203"
    assert "another flow" in found.message


def test_a_cycle_is_told_once_with_its_whole_path_at_the_first_step() -> None:
    found = only(
        *judge(
            flow(
                step("start"),
                step("a", param("start", STR), param("c", STR)),
                step("b", param("a", STR)),
                step("c", param("b", STR)),
                step("after", param("c", STR)),
            )
        )
    )
    assert found.code == "PGF204"
    assert found.message == "steps of flow 'example' depend on each other: a -> c -> b -> a"
    assert found.span == span(21, 5)


def test_two_separate_cycles_are_two_findings() -> None:
    found = judge(
        flow(
            step("a", param("b", STR)),
            step("b", param("a", STR)),
            step("c", param("d", STR)),
            step("d", param("c", STR)),
        )
    )
    assert [item.code for item in found] == ["PGF204", "PGF204"]


def test_a_step_that_asks_for_itself() -> None:
    found = only(*judge(flow(step("a", param("a", STR)))))
    assert found.message == "step 'a' depends on itself: a -> a"


def test_cycles_through_depends_on_array_and_input_count() -> None:
    types = Types()
    keys = types.record("Keys", m=list_of(STR))
    found = only(
        *judge(
            flow(
                step("a", param("input", keys), returns=list_of(STR), kind="array"),
                step("m", element("item", STR), kind="map", array="a"),
            ),
            types=types,
        )
    )
    assert found.message.endswith("a -> m -> a")


def test_the_same_step_twice_in_depends_on_by_slug_and_object() -> None:
    flow_ = flow(step("a"), step("b", depends_on=("a", "a")))
    assert codes(flow_) == ["PGF205"]
    by_object = StepName("a", span(1), flow_.key)
    assert codes(flow(step("a"), step("b", depends_on=(by_object, "a")))) == ["PGF205"]


def test_a_name_in_parameters_and_depends_on_counts_once_and_is_fine() -> None:
    assert codes(flow(step("a"), step("b", param("a", STR), depends_on=("a",)))) == []


def test_a_map_takes_one_element_and_not_the_whole_array() -> None:
    source = step("a", returns=list_of(STR))
    assert codes(flow(source, step("m", kind="map", array="a"))) == ["PGF206"]
    whole = step("m", element("item", STR), param("a", list_of(STR)), kind="map", array="a")
    found = only(*judge(flow(source, whole)))
    assert (found.code, found.span.line) == ("PGF206", 23)
    everything = step("m", element("item", STR), param("input", STR), kind="map", array="a")
    assert codes(flow(source, everything)) == ["PGF206"]


def test_a_map_may_name_other_steps() -> None:
    source, other = step("a", returns=list_of(STR)), step("b", returns=INT)
    beside = step("m", element("item", STR), param("b", INT), kind="map", array="a", depends_on=("a", "b"))
    assert codes(flow(source, other, beside)) == []
    root = step("m", element("item", STR), param("b", INT), param("flow_input", list_of(STR)), kind="map")
    assert codes(flow(other, root, input=list_of(STR))) == []
    wrong = step("m", element("item", STR), param("b", STR), kind="map", array="a")
    assert codes(flow(source, other, wrong)) == ["PGF303"]
    unknown = step("m", element("item", STR), param("c", STR), kind="map", array="a")
    assert codes(flow(source, other, unknown)) == ["PGF203"]
    skipped = step("b", returns=INT, options={"when_exhausted": "skip"})
    assert codes(flow(source, skipped, beside)) == ["PGF309"]
    assert codes(flow(source, step("b", param("m", list_of(STR)), returns=INT), beside)) == ["PGF204"]


def test_a_map_may_ask_for_the_flows_input() -> None:
    both = step("m", element("item", STR), param("flow_input", list_of(STR)), kind="map")
    assert codes(flow(both, input=list_of(STR))) == []


def test_a_flow_without_steps() -> None:
    assert codes(flow()) == ["PGF209"]


def test_two_flows_of_one_slug_are_told_at_the_later() -> None:
    first, second = flow(step("a"), line=1), flow(step("a"), slug="EXAMPLE", line=100)
    found = only(*judge(second, first))
    assert (found.code, found.span.line) == ("PGF210", 100)


def test_a_version_can_collide_with_a_flow_that_is_called_so() -> None:
    assert codes(flow(step("a"), slug="crawl", version=2), flow(step("a"), slug="crawl_v2", line=90)) == [
        "PGF210"
    ]
    assert codes(flow(step("a"), slug="crawl", version=2), flow(step("a"), slug="crawl", line=90)) == []


def chain(length: int, *, broken_at: int | None = None) -> list[str]:
    steps = [step("m1", element("item", STR), kind="map")]
    for number in range(2, length + 1):
        before = f"m{number - 1}"
        if number == broken_at:
            steps.append(step(f"m{number}", param(before, list_of(STR)), returns=list_of(STR)))
        else:
            steps.append(step(f"m{number}", element("item", STR), kind="map", array=before))
    return codes(flow(*reversed(steps), input=list_of(STR)))


def test_chains_of_maps_have_an_end() -> None:
    assert chain(49) == []
    assert chain(50) == ["PGF212"]
    assert chain(60) == ["PGF212"]
    assert chain(60, broken_at=30) == []
