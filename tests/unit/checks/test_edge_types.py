"""Types along the edges of a flow (303-308)."""

from __future__ import annotations

from pgflow_gen.ir.types import UNKNOWN, Field, NewTypeRef, TypeKey
from tests.support.ir import (
    ANY,
    FLOAT,
    INT,
    NONE,
    STR,
    Types,
    codes,
    dict_of,
    element,
    flow,
    judge,
    list_of,
    param,
    sequence_of,
    span,
    step,
    union,
)


def test_a_parameter_that_asks_for_another_type_than_the_step_returns() -> None:
    types = Types()
    page = types.record("Page", url=STR, html=STR)
    fetch = step("fetch", element("url", STR), returns=page, kind="map")
    (found,) = judge(
        flow(fetch, step("report", param("fetch", list_of(STR))), input=list_of(STR)), types=types
    )
    assert found.code == "PGF303"
    assert found.message == "step 'report' asks for fetch: list[str], but step 'fetch' returns list[Page]"
    assert found.notes[0] == "step 'fetch' is defined at flows/example.py:11"
    assert found.help == "annotate the parameter as list[Page]"
    assert (found.span.line, found.span.column) == (22, 9)
    assert found.highlight == span(22, 30, 5)


def test_list_invariance_names_the_way_out() -> None:
    flow_ = flow(step("a", returns=list_of(INT)), step("b", param("a", list_of(FLOAT))))
    (found,) = judge(flow_)
    assert found.help is not None
    assert "Sequence[float]" in found.help
    assert codes(flow(step("a", returns=list_of(INT)), step("b", param("a", sequence_of(FLOAT))))) == []


def test_a_parameter_may_ask_for_a_new_type_of_what_arrives() -> None:
    user = NewTypeRef(TypeKey("flows.example", "UserId"), STR)
    admin = NewTypeRef(TypeKey("flows.example", "AdminId"), user)
    for asked in (user, admin):
        assert codes(flow(step("a", returns=STR), step("b", param("a", asked)))) == []
        assert codes(flow(step("a", returns=list_of(STR)), step("b", param("a", list_of(asked))))) == []
        assert codes(flow(step("a", returns=INT), step("b", param("a", asked)))) == ["PGF303"]


def test_dict_invariance_names_the_way_out() -> None:
    (found,) = judge(flow(step("a", returns=dict_of(INT)), step("b", param("a", dict_of(FLOAT)))))
    assert found.help is not None
    assert "Mapping[str, float]" in found.help


def test_records_that_differ_are_explained_key_by_key() -> None:
    types = Types()
    given = types.record("Given", Field("c", STR, required=False), a=STR, b=INT)
    asked = types.record("Asked", a=STR, b=STR, c=STR, d=STR)
    (found,) = judge(
        flow(step("a", returns=list_of(given)), step("b", param("a", list_of(asked)))), types=types
    )
    assert found.notes[1:] == (
        "key 'b' is int in Given, but str in Asked",
        "key 'c' may be missing in Given, but Asked requires it",
        "Given has no key 'd', which Asked has",
    )


def test_two_records_of_one_name_are_told_apart_by_their_modules() -> None:
    types = Types()
    here, there = types.record("Page", url=STR), types.record("Page", url=INT, module="flows.other")
    (found,) = judge(flow(step("a", returns=here), step("b", param("a", there))), types=types)
    assert "flows.other.Page" in found.message
    assert "flows.example.Page" in found.message


def test_a_key_of_input_is_told_at_the_parameter() -> None:
    types = Types()
    keys = types.record("Keys", a=INT)
    (found,) = judge(flow(step("a"), step("b", param("input", keys))), types=types)
    assert found.code == "PGF303"
    assert found.message == "step 'b' asks for input['a']: int, but step 'a' returns str"
    assert found.span.line == 22


def test_unknown_and_any_are_silent() -> None:
    for returns in (UNKNOWN, ANY, list_of(UNKNOWN), None):
        assert codes(flow(step("a", returns=returns), step("b", param("a", list_of(INT))))) == []
    assert codes(flow(step("a"), step("b", param("a", UNKNOWN)))) == []


def test_a_root_map_needs_a_list() -> None:
    root = step("m", element("item", STR), kind="map")
    (found,) = judge(flow(root, input=STR))
    assert (found.code, found.span) == ("PGF304", span(11, 5))
    assert codes(flow(root, input=list_of(STR))) == []
    assert codes(flow(root, input=None)) == []
    assert codes(flow(root, input=NONE)) == ["PGF304"]


def test_an_array_that_is_no_list_is_told_at_the_option() -> None:
    mapped = step("m", element("item", STR), kind="map", array="a")
    (found,) = judge(flow(step("a"), mapped))
    assert (found.code, found.span) == ("PGF305", span(20, 60))
    assert codes(flow(step("a", returns=union(list_of(STR), NONE)), mapped)) == ["PGF305"]
    assert codes(flow(step("a", returns=ANY), mapped)) == []


def test_a_map_over_a_map_gets_its_results() -> None:
    first = step("m", element("item", STR), returns=INT, kind="map")
    second = step("n", element("item", INT), kind="map", array="m")
    assert codes(flow(first, second, input=list_of(STR))) == []


def test_an_element_of_the_wrong_type() -> None:
    mapped = step("m", element("item", INT), kind="map", array="a")
    (found,) = judge(flow(step("a", returns=list_of(STR)), mapped))
    assert found.code == "PGF306"
    assert found.message == (
        "map 'm' asks for elements item: int, but the elements of the output of step 'a' are str"
    )
    assert (found.span.line, found.help) == (22, "annotate the parameter as str")


def test_an_element_annotated_as_the_whole_list_is_explained() -> None:
    mapped = step("m", element("items", list_of(STR)), kind="map")
    (found,) = judge(flow(mapped, input=list_of(STR)))
    assert found.code == "PGF306"
    assert found.help is not None
    assert "one element, not the list" in found.help


def test_elements_of_a_union_of_lists() -> None:
    both = union(list_of(STR), list_of(INT))
    assert codes(flow(step("m", element("item", union(STR, INT)), kind="map"), input=both)) == []
    assert codes(flow(step("m", element("item", STR), kind="map"), input=both)) == ["PGF306"]


def test_an_array_step_that_returns_no_list_is_one_finding_at_its_return_type() -> None:
    mapped = step("m", element("item", STR), kind="map", array="a")
    (found,) = judge(flow(step("a", kind="array"), mapped))
    assert (found.code, found.span) == ("PGF307", span(11, 50))


def test_flow_input_of_another_type() -> None:
    (found,) = judge(flow(step("a", param("flow_input", INT)), input=STR))
    assert found.code == "PGF308"
    assert found.message == "step 'a' asks for flow_input: int, but flow 'example' takes str"
    assert found.span.line == 12
    assert codes(flow(step("a", param("flow_input", union(STR, NONE))), input=STR)) == []


def test_flow_input_of_a_flow_without_input() -> None:
    (found,) = judge(flow(step("a", param("flow_input", INT)), input=NONE))
    assert "takes no input" in found.message
