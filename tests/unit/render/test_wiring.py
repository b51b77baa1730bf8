"""The wiring: a line is a parameter, and the map says which."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from pgflow_gen.config import Config
from pgflow_gen.ir.flow import Analysis
from pgflow_gen.ir.types import NONE, AnyType, JsonType, NewTypeRef, TypeExpr, TypeKey
from pgflow_gen.render import Rendered, Subject, render
from pgflow_gen.render.wiring.module_names import ModuleNames
from pgflow_gen.render.wiring.new_types import wrapped
from tests.support.ir import (
    STR,
    Types,
    dict_of,
    element,
    flow,
    list_of,
    literal,
    mapping_of,
    param,
    sequence_of,
    step,
    union,
)
from tests.unit.render.zoo import ANALYSIS, FLOW

CONFIG = Config(Path("/nowhere"))


def lines_of(rendered: Rendered) -> list[str]:
    return rendered.text("_typecheck.py").splitlines()


def subjects(rendered: Rendered) -> list[tuple[str, Subject]]:
    lines = lines_of(rendered)
    return [(lines[number - 1].strip(), place) for number, place in sorted(rendered.wiring.items())]


def test_each_argument_has_a_line_and_each_line_its_parameter() -> None:
    found = {
        (place.step, place.name, text)
        for text, place in subjects(render(ANALYSIS, CONFIG))
        if place.kind in ("argument", "key")
    }
    assert found == {
        ("feed", "flow_input", "flow_input=flow_input,"),
        ("walk", "ctx", "ctx=ctx,"),
        ("walk", "run", "run=feed[0],"),
        ("class", "walk", "walk=walk,"),
        ("class", "flow_input", "flow_input=flow_input,"),
        ("_", "input", "input={"),
        ("_", "input", "},"),
        ("_", "class", '"class": step_class,'),
        ("_", "feed", '"feed": feed,'),
        ("report", "walk", "walk=walk,"),
        ("report", "_", "_=step__,"),
    }


def test_outputs_are_bound_before_the_first_call() -> None:
    lines = lines_of(render(ANALYSIS, CONFIG))
    bindings = [number for number, line in enumerate(lines) if "= _output(" in line]
    calls = [number for number, line in enumerate(lines) if line.startswith("    _ = ")]
    assert len(bindings) == len(FLOW.steps)
    assert max(bindings) < min(calls)


def test_an_optional_dependency_gives_a_second_call_without_it() -> None:
    text = render(ANALYSIS, CONFIG).text("_typecheck.py")
    assert text.count("_ = _flows_zoo.report(") == 2
    assert "_ = _flows_zoo.report(\n        walk=walk,\n    )" in text
    assert 'input={\n            "feed": feed,\n        },' in text
    assert text.count("_ = _flows_zoo.walk(") == 1


def test_every_record_is_proved_in_both_directions() -> None:
    rendered = render(ANALYSIS, CONFIG)
    proved = [place.record for text, place in subjects(rendered) if text == "return value, values"]
    assert len(proved) == 2 * len(set(proved))
    assert {str(key) for key in proved} == {
        *("ZooInput", "Animal", "Tree", "Box[int]", "Box[list[str]]", "Odd", "Run", "FeedOutput", "Empty"),
    }
    assert "_flows_zoo.Box[list[str]]" in rendered.text("_typecheck.py")


def test_an_element_that_comes_first_is_passed_by_place() -> None:
    made = flow(step("each", element("item", STR), kind="map"), slug="f", input=list_of(STR))
    assert "        flow_input[0],\n" in render(Analysis((made,), Types().table), CONFIG).text(
        "_typecheck.py"
    )


def test_slugs_called_like_builtins_do_not_hide_them() -> None:
    made = flow(
        step("list", param("flow_input", STR), returns=list_of(STR)),
        step("last", param("list", list_of(STR))),
        slug="str",
    )
    text = render(Analysis((made,), Types().table), CONFIG).text("_typecheck.py")
    assert "def flow_str(" in text
    assert "step_list = _output(" in text
    assert "list=step_list," in text


@pytest.mark.parametrize(
    ("slug", "input_"),
    [
        ("Any", list_of(AnyType("Any"))),
        ("Literal", literal("a", 1)),
        ("Sequence", sequence_of(STR)),
        ("Mapping", mapping_of(STR)),
        ("JsonValue", JsonType()),
        ("TYPE_CHECKING", STR),
        ("TypeAlias", STR),
        ("TypedDict", STR),
    ],
)
def test_slugs_called_like_imports_do_not_hide_them(slug: str, input_: TypeExpr) -> None:
    made = flow(step(slug, param("flow_input", input_)), slug=slug, input=input_)
    body = ast.parse(render(Analysis((made,), Types().table), CONFIG).text("_typecheck.py")).body
    imported = {
        alias.asname or alias.name
        for item in body
        if isinstance(item, ast.ImportFrom)
        for alias in item.names
    }
    function = next(item for item in body if isinstance(item, ast.FunctionDef))
    bound = {
        node.id
        for node in ast.walk(function)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }
    assert function.name == f"flow_{slug}"
    assert bound == {f"step_{slug}", "_"}
    assert not imported & {function.name, *bound}


USER = NewTypeRef(TypeKey("lib.ids", "UserId"), STR)
ADMIN = NewTypeRef(TypeKey("lib.ids", "AdminId"), USER)


@pytest.mark.parametrize(
    ("type_", "expression"),
    [
        (STR, "x"),
        (USER, "_lib_ids.UserId(x)"),
        (ADMIN, "_lib_ids.AdminId(_lib_ids.UserId(x))"),
        (sequence_of(USER), "[_lib_ids.UserId(_item0) for _item0 in x]"),
        (
            dict_of(list_of(USER)),
            "{_key0: [_lib_ids.UserId(_item1) for _item1 in _item0] for _key0, _item0 in x.items()}",
        ),
        (union(USER, NONE), "None if x is None else _lib_ids.UserId(x)"),
        (union(list_of(STR), NONE), "x"),
        (union(USER, list_of(USER)), "x"),
    ],
)
def test_a_new_type_gets_its_value_by_its_own_call(type_: TypeExpr, expression: str) -> None:
    assert wrapped("x", type_, ModuleNames()) == expression
