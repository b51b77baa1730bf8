"""What each parameter of a handler receives, and what is said about those that can receive nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.analysis import Read, read_flow

HEAD = """
import pgflow_runtime as rt
import typing as t
from typing import Annotated, Optional, TypedDict
from pgflow_runtime import Context, Context as Ctx, Flow
from pgflow_runtime.dsl.context import Context as Deep

class All(TypedDict):
    one: int

Alias = Context
flow = Flow[list[int]]("flow")

@flow.step
def one() -> int: ...

"""


def read_handler(root: Path, code: str) -> Read:
    return read_flow(root, HEAD + code)


def received(read: Read) -> dict[str, str]:
    return {param.name: param.receives.value for param in read.flow.steps[-1].params}


SIGNATURES = [
    ("@flow.step\ndef f(flow_input: list[int]) -> int: ...", {"flow_input": "flow_input"}),
    ("@flow.step\ndef f(ctx: Context, one: int) -> int: ...", {"ctx": "context", "one": "dependency"}),
    ("@flow.step\ndef f(whatever: Ctx) -> int: ...", {"whatever": "context"}),
    ("@flow.step\ndef f(c: rt.Context) -> int: ...", {"c": "context"}),
    ("@flow.step\ndef f(c: 'Context') -> int: ...", {"c": "context"}),
    ("@flow.step\ndef f(c: Alias) -> int: ...", {"c": "context"}),
    ("@flow.step\ndef f(c: Deep) -> int: ...", {"c": "context"}),
    ("@flow.step\ndef f(c: Annotated[Context, 'x']) -> int: ...", {"c": "context"}),
    ("@flow.step\ndef f(c: Context | None = None) -> int: ...", {"c": "context"}),
    ("@flow.step\ndef f(c: t.Optional[Context] = None) -> int: ...", {"c": "context"}),
    ("@flow.step\ndef f(input: All) -> int: ...", {"input": "input"}),
    ("@flow.step\ndef f(*, one: int) -> int: ...", {"one": "dependency"}),
    ("@flow.map\ndef f(n: int) -> int: ...", {"n": "element"}),
    ("@flow.map\ndef f(n: int, /) -> int: ...", {"n": "element"}),
    ("@flow.map\ndef f(ctx: Context, n: int) -> int: ...", {"ctx": "context", "n": "element"}),
    ("@flow.map\ndef f(n: int, one: int) -> int: ...", {"n": "element", "one": "dependency"}),
    ("@flow.map\ndef f(flow_input: list[int], n: int) -> int: ...",
     {"flow_input": "flow_input", "n": "element"}),
    ("@flow.map\ndef f(input: All) -> int: ...", {"input": "input"}),
    ("@flow.map\ndef f(*, n: int) -> int: ...", {"n": "dependency"}),
    ("@flow.array\ndef f(one: int) -> list[int]: ...", {"one": "dependency"}),
]  # fmt: skip


@pytest.mark.parametrize(("code", "expected"), SIGNATURES)
def test_what_a_parameter_receives(tmp_path: Path, code: str, expected: dict[str, str]) -> None:
    read = read_handler(tmp_path, code).clean()
    assert received(read) == expected


def test_places_and_flags(tmp_path: Path) -> None:
    read = read_handler(
        tmp_path,
        "@flow.map(\n    array=one,\n)\nasync def f(\n    n: int,\n    /,\n    ctx: Context,\n    *,\n"
        "    flow_input: list[int] = [],\n) -> dict[str,\n  int]:\n    '''Doc\n       of f.\n    '''\n",
    ).clean()
    step = read.step("f")
    element, context, flow_input = step.params
    assert (step.is_async, step.kind, step.doc) == (True, "map", "Doc\nof f.")
    assert (read.text(step.span), step.span.line) == ("f", 19)
    assert (step.decorator_span.line, step.decorator_span.end_line) == (16, 18)
    assert read.text(element.span) == "n"
    assert read.text(element.type_span) == "int"
    assert (element.positional_only, element.keyword_only, element.has_default) == (True, False, False)
    assert (context.positional_only, context.type, read.text(context.type_span)) == (False, None, "Context")
    assert (flow_input.keyword_only, flow_input.has_default) == (True, True)
    assert step.returns_span is not None
    assert (step.returns_span.line, step.returns_span.end_line) == (25, 26)
    assert str(step.returns) == "dict[str, int]"
    assert str(step.output) == "list[dict[str, int]]"


FAULTS = [
    ("@flow.step\ndef f(one) -> int: ...", "PGF301", (17, "one")),
    ("@flow.step\ndef f(ctx) -> int: ...", "PGF301", (17, "ctx")),
    ("@flow.step\ndef f(one: int): ...", "PGF301", (17, "f")),
    ("@flow.step\ndef f(*args: int) -> int: ...", "PGF213", (17, "args")),
    ("@flow.step\ndef f(**kwargs: int) -> int: ...", "PGF213", (17, "kwargs")),
    ("@flow.step\ndef f(one: int, /) -> int: ...", "PGF213", (17, "one")),
    ("@flow.map\ndef f(ctx: Context, /, n: int) -> int: ...", "PGF213", (17, "ctx")),
    ("@flow.step\ndef f(one: Pgae) -> int: ...", "PGF103", (17, "Pgae")),
    ("@flow.step\ndef f(one: list[Contxt]) -> int: ...", "PGF103", (17, "list[Contxt]")),
    ("@flow.step\ndef f(one: complex) -> int: ...", "PGF302", (17, "one")),
    ("@flow.step\ndef f(one: int) -> complex: ...", "PGF302", (17, "complex")),
    ("@flow.step\ndef f(one: int) -> Context: ...", "PGF302", (17, "Context")),
    ("@flow.step\ndef f(one: int) -> list[int]:\n    yield 1", "PGF302", (17, "f")),
    ("@flow.step\ndef f[T](one: T) -> int: ...", "PGF302", (17, "f")),
    ("@flow.step\ndef f(one: int, one: int) -> int: ...", "PGF101", (17, "one")),
]


@pytest.mark.parametrize(("code", "expected", "place"), FAULTS)
def test_fault(tmp_path: Path, code: str, expected: str, place: tuple[int, str]) -> None:
    read = read_handler(tmp_path, code)
    fault = read.one(expected)
    assert read.at(fault) == place
    assert read.step("f").function == "f"


def test_a_generator_inside_a_handler_is_fine(tmp_path: Path) -> None:
    code = "@flow.step\ndef f(one: int) -> list[int]:\n    def g():\n        yield 1\n    return list(g())\n"
    read_handler(tmp_path, code).clean()


def test_a_context_that_was_not_imported(tmp_path: Path) -> None:
    head = "from pgflow_runtime import Flow\nflow = Flow[None]('f')\n"
    read = read_flow(tmp_path, f"{head}@flow.step\ndef f(ctx: Context) -> int: ...\n")
    fault = read.one("PGF103")
    assert read.at(fault) == (4, "Context")
    assert fault.help == "write: from pgflow_runtime import Context"
    assert received(read) == {"ctx": "context"}


def test_a_flow_class_that_was_not_imported(tmp_path: Path) -> None:
    read = read_flow(
        tmp_path, "flow = Flow[None]('f')\n@flow.step\ndef f() -> int: ...\n@flow.map\ndef g(): ...\n"
    )
    fault = read.one("PGF103")
    assert read.at(fault) == (1, "Flow")
    assert fault.help == "write: from pgflow_runtime import Flow"


def test_all_faults_of_all_files_in_one_go(tmp_path: Path) -> None:
    read = read_flow(
        tmp_path,
        HEAD + "@flow.step(timout=3)\ndef f(a, b: Pgae, *c: int): ...\n",
        broken="from pgflow_runtime import Flow\nx = (\n",
    )
    assert [(item.span.path, item.code) for item in read.findings] == [
        ("flows/broken.py", "PGF101"),
        ("flows/crawl.py", "PGF208"),
        ("flows/crawl.py", "PGF301"),
        ("flows/crawl.py", "PGF301"),
        ("flows/crawl.py", "PGF103"),
        ("flows/crawl.py", "PGF213"),
    ]
