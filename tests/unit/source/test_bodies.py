"""What functions do is left out of what libcst reads, unless it may hold a flow, a step or a generator."""

from __future__ import annotations

import ast
from pathlib import Path

import libcst as cst
import pytest

from pgflow_gen.source.files.text import SourceText
from pgflow_gen.source.parsing.bodies import without_bodies
from pgflow_gen.source.parsing.parse import ParsedFile, parse
from pgflow_gen.source.parsing.positions import positions

PACKAGE = Path(__file__).parents[3] / "pgflow_gen"
HEAD = "import json\nfrom pgflow_runtime import Flow\nfrom flows.own import helper\nMAKE = Flow\n"


def emptied(text: str) -> str:
    return without_bodies(text, ast.parse(text))


def function(*body: str) -> str:
    lines = "".join(f"    {line}\n" for line in body)
    return f"{HEAD}def work(x: int) -> int:\n{lines}after = 1\n"


def test_a_body_is_emptied_and_everything_else_keeps_its_place() -> None:
    text = function(
        '"""What it does."""', "y = json.loads('1')  # why", "if y:", "    return [x][0].real", "return 2"
    )
    expected = function('"""What it does."""', "pass").replace("    pass\n", "    pass\n\n\n\n")
    assert emptied(text) == expected


@pytest.mark.parametrize(
    "body",
    [
        "inner = Flow[None]('inner')",
        "inner = MAKE('inner')",
        "inner = helper()",
        "return flow.step(x)",
        "decorate = flow.map",
        "yield x",
        "global x",
        "yield from x",
        "await (yield x)",
        "class Inner:\n        made = [Flow('x') for _ in x]",
        "@x\n    def inner(): pass",
    ],
)
def test_a_body_that_may_hold_a_flow_a_step_or_a_generator_is_kept(body: str) -> None:
    assert emptied(function("z = 1", body)) == function("z = 1", body)


def test_any_name_may_make_a_flow_where_a_star_is_imported() -> None:
    assert "pass" in emptied("def work():\n    return other()\n")
    text = "from flows.own import *\ndef work():\n    return other()\n"
    assert emptied(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "def one_line(): return 1\n",
        'def documented():\n    """Only words."""\n',
        'def on_one_line():\n    """Words"""; x = 1\n',
        "def spread(\n    x: int = (\n        1\n    )): return 2\n",
        "def breaks():\r\n    return 1\r\n",
    ],
)
def test_what_stands_beside_something_else_is_kept(text: str) -> None:
    assert emptied(text) == text


def test_decorated_inner_functions_of_the_standard_library_are_kept_whole() -> None:
    text = "import functools\ndef work():\n    @functools.cache\n    def inner(): ...\n    return inner\n"
    assert emptied(text) == text


def test_spans_outside_bodies_are_those_of_the_whole_text() -> None:
    """Over this project's own sources: every place that the outline knows is the true one."""
    compared = 0
    for file in sorted(PACKAGE.rglob("*.py")):
        text = file.read_text(encoding="utf-8")
        found = parse(SourceText(file.name, file, text, ""))
        assert isinstance(found, ParsedFile)
        whole = cst.parse_module(text)
        true = positions(whole)
        for lean, full in zip(found.tree.body, whole.body, strict=True):
            assert type(lean) is type(full)
            if isinstance(lean, cst.FunctionDef) and isinstance(full, cst.FunctionDef):
                pairs: list[tuple[cst.CSTNode, cst.CSTNode]] = [(lean.name, full.name)]
                pairs += list(zip(lean.params.params, full.params.params, strict=True))
            elif isinstance(lean, cst.SimpleStatementLine) and isinstance(full, cst.SimpleStatementLine):
                pairs = list(zip(lean.body, full.body, strict=True))
            else:
                continue
            for one, other in pairs:
                span, place = found.span(one), true[id(other)]
                assert (span.line, span.column - 1, span.end_line, span.end_column - 1) == place
                compared += 1
        assert not found._is_whole
    assert compared > 1000
