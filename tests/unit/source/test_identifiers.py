"""Identifiers are compared as Python compares them, wherever one enters."""

from __future__ import annotations

from pathlib import Path

import pytest

from pgflow_gen.source.identifiers import with_normal_names
from tests.support.analysis import read_flow, read_project

MICRO, MU = "\u00b5", "\u03bc"
ANGSTROM, ARING, A_RING = "\u212b", "\u00c5", "A\u030a"


def test_a_field_has_the_key_that_python_gives_it(tmp_path: Path) -> None:
    read = read_flow(
        tmp_path,
        f"""
        from typing import TypedDict
        from pgflow_runtime import Flow
        class Size(TypedDict):
            width_{MICRO}m: int
        flow = Flow[Size]("flow")
        @flow.step
        def one(flow_input: Size) -> int: ...
        """,
    ).clean()
    assert [field.key for field in read.record("Size").fields] == [f"width_{MU}m"]


@pytest.mark.parametrize("typed", [ANGSTROM, ARING, A_RING])
@pytest.mark.parametrize("declared", [ANGSTROM, ARING, A_RING])
@pytest.mark.parametrize("quote", ["", "'"])
def test_a_class_is_found_however_its_name_is_typed(
    tmp_path: Path, typed: str, declared: str, quote: str
) -> None:
    read_flow(
        tmp_path,
        f"""
        from pgflow_runtime import Flow
        from .types import {typed}ngstrom as T, {typed}ngstrom
        flow = Flow[{quote}{typed}ngstrom{quote}]("flow")
        @flow.step
        def one(flow_input: {quote}{declared}ngstrom{quote}) -> "T": ...
        """,
        types=f"from typing import TypedDict\nclass {declared}ngstrom(TypedDict):\n    x: int\n",
    ).clean()


def test_names_of_all_kinds(tmp_path: Path) -> None:
    """Imports, decorators, keyword arguments, handlers, parameters, aliases, dotted modules."""
    read = read_project(
        tmp_path,
        {
            f"flows/m{MU}d.py": f"import typing as t{MU}\nclass P{MU}(t{MICRO}.TypedDict):\n    x: int\n",
            "flows/crawl.py": f"""
            import flows.m{MICRO}d
            from pgflow_runtime import \uff26low
            al{MICRO} = flows.m{MU}d.P{MICRO}
            fl\uff4f = \uff26low[None]("flow")
            @flo.\uff53tep(\uff4dax_attempts=2)
            def \uff46etch() -> al{MU}: ...
            @flo.step
            def show(fetch: "flows.m{MICRO}d.P{MU}", ) -> None: ...
            """,
        },
    ).clean()
    assert [step.slug for step in read.flow.steps] == ["fetch", "show"]
    assert [option.name for option in read.step("fetch").options] == ["max_attempts"]


def test_strings_keep_their_letters(tmp_path: Path) -> None:
    read = read_flow(
        tmp_path,
        f"""
        from typing import Literal, TypedDict
        from pgflow_runtime import Flow
        Row = TypedDict("Row", {{"{MICRO}m": int}})
        flow = Flow[Row]("flow")
        @flow.step
        def one(flow_input: Row) -> "Literal['{MICRO}']": ...
        """,
    ).clean()
    assert [field.key for field in read.record("Row").fields] == [f"{MICRO}m"]
    assert MICRO in str(read.step("one").returns)


def test_a_module_that_no_import_finds_is_told(tmp_path: Path) -> None:
    read = read_project(
        tmp_path,
        {
            f"flows/m{MICRO}d.py": "from pgflow_runtime import Flow\nflow = Flow[None]('flow')\n"
            "@flow.step\ndef one() -> int: ...\n"
        },
    )
    assert read.one("PGF102").message.startswith("cannot import the file")


def test_lines_whose_names_grew_are_known() -> None:
    text, moved = with_normal_names("x = 1\n\ufb01t = 'ﬁ'  # ﬁ\r\ny = µ\f\nz")
    assert text == "x = 1\nfit = 'ﬁ'  # ﬁ\r\ny = μ\f\nz"
    assert moved == {2}
