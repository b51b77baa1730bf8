"""Whatever a file holds, reading it yields findings, never an exception, and every place exists."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pgflow_gen.config import Config
from pgflow_gen.diagnostics import Findings, Span
from pgflow_gen.incremental.analysis import analyze

ROOT = Path(__file__).parents[3]
TOKEN = re.compile(r"\w+|[^\w\s]|\n[ \t]*|[ \t]+")
KITCHEN_SINK = '''\
"""Docs."""
from __future__ import annotations
import typing as t
from typing import TYPE_CHECKING, Annotated, Generic, Literal, NewType, NotRequired, TypedDict, TypeVar
from pgflow_runtime import Context, Flow, JsonValue
if TYPE_CHECKING:
    from .other import Page
else:
    Page = dict
try:
    from nowhere import Thing
except ImportError:
    Thing = t.Dict[str, "int | None"]
T = TypeVar("T")
UserId = NewType("UserId", str)
type Tree[K] = dict[str, Tree[K]] | K | None
LIMIT: t.Final = 60 * (2 + 3) // 4 - -1
class Box(TypedDict, Generic[T], total=False):
    item: t.Required[T]
    rest: "Box[list[T]] | None"
Row = TypedDict("Row", {"a-b": NotRequired[int], "c": Box[str]})
flow = Flow[Row]("flow", timeout=LIMIT, version=2)
@flow.array(if_={"a-b": 1}, when_unmet="skip")
async def urls(flow_input: Row, ctx: Context) -> list[str]: ...
@flow.map(array=urls, max_attempts=5)
def fetch(url: Annotated[str, "x"], /, *, c: t.Optional[Context] = None) -> Page: ...
@flow.step(depends_on=["urls", fetch], slug="re" "port")
def report(fetch: t.Sequence[Page], urls: list[Literal["a", 1]], who: UserId = "") -> Tree[int] | None: ...
'''
OTHER = """\
from .crawl import *
from .crawl import Box as B
class Page(B[int]):
    url: str
    more: Tree[Page]
@flow.step
def other(input: Page) -> Thing: ...
"""
EXAMPLES = [file.read_text(encoding="utf-8") for file in sorted((ROOT / "flows").glob("*.py"))]
NASTY = ["(", ")", "[", "]", ":", "=", ",", "*", "**", "@", ".", "|", "'", '"', "\\", "f'{x}'", "...", "None",
         "Flow", "flow.step", "class", "def", "if", "lambda", "type X = X", "\n", "\n    ", "\t", "é", "\x0c",
         "#", "0", "1e999", "await", "yield", "T", "Tree", "Box", "[T]", "import", "from . import *",
         "del flow"]  # fmt: skip


@st.composite
def mutants(draw: st.DrawFn) -> str:
    """A flow module with a few tokens dropped, doubled, swapped or replaced."""
    tokens = TOKEN.findall(draw(st.sampled_from([KITCHEN_SINK, KITCHEN_SINK, *EXAMPLES])))
    for _ in range(draw(st.integers(1, 5))):
        at = draw(st.integers(0, max(0, len(tokens) - 1)))
        other = draw(st.integers(0, max(0, len(tokens) - 1)))
        match draw(st.sampled_from(["drop", "double", "swap", "replace", "insert", "cut"])):
            case "drop":
                del tokens[at : at + 1]
            case "double":
                tokens[at:at] = tokens[at : at + 3]
            case "swap" if tokens:
                tokens[at], tokens[other] = tokens[other], tokens[at]
            case "replace":
                tokens[at : at + 1] = [draw(st.sampled_from(NASTY))]
            case "insert":
                tokens.insert(at, draw(st.sampled_from(NASTY)))
            case _:
                del tokens[min(at, other) : max(at, other)]
    return "".join(tokens)


def read(root: Path, text: str) -> Findings:
    folder = root / "flows"
    folder.mkdir(exist_ok=True)
    (folder / "crawl.py").write_text(text, encoding="utf-8", newline="")
    (folder / "other.py").write_text(OTHER, encoding="utf-8")
    findings = Findings()
    analyzed = analyze(Config(root), findings)
    for item in findings:
        for span in filter(None, (item.span, item.highlight)):
            check_place(span, analyzed.sources)
        assert item.message
        assert re.fullmatch(r"PGF\d{3}", item.code)
    return findings


def check_place(span: Span, sources: object) -> None:
    assert isinstance(sources, Mapping)
    lines = re.split(r"\r\n|\r|\n", sources[span.path])
    assert 1 <= span.line <= len(lines)
    assert 1 <= span.column <= len(lines[span.line - 1]) + 2
    assert (span.line, span.column) <= (span.end_line, span.end_column)


def test_the_kitchen_sink_is_read(tmp_path: Path) -> None:
    codes = {item.code for item in read(tmp_path, KITCHEN_SINK)}
    assert codes == {"PGF302"}


@settings(max_examples=60, deadline=None, derandomize=True,
          suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])  # fmt: skip
@given(text=mutants())
def test_mutants(tmp_path: Path, text: str) -> None:
    read(tmp_path, text)


@settings(max_examples=60, deadline=None, derandomize=True,
          suppress_health_check=[HealthCheck.function_scoped_fixture])  # fmt: skip
@given(data=st.binary(max_size=60))
def test_bytes(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "flows").mkdir(exist_ok=True)
    (tmp_path / "flows/crawl.py").write_bytes(b"import pgflow_runtime\n" + data)
    analyze(Config(tmp_path), Findings())


def prefixes() -> list[str]:
    lines = KITCHEN_SINK.splitlines(keepends=True)
    return ["".join(lines[:at]) for at in range(0, len(lines), 3)]


@pytest.mark.parametrize("text", prefixes())
def test_a_file_being_written(tmp_path: Path, text: str) -> None:
    read(tmp_path, text)
