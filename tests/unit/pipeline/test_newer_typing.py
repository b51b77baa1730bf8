"""Newer typing: read as mypy reads it, and where it is not, with a reason."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from pgflow_gen.config import Config
from pgflow_gen.diagnostics import Diagnostic
from pgflow_gen.pipeline import build
from tests.support.analysis import write_project

HEAD = """\
from __future__ import annotations
import sys
from typing import TYPE_CHECKING, Generic, NotRequired
from typing_extensions import ReadOnly, TypedDict, TypeVar
from pgflow_runtime import Flow
T = TypeVar("T", default=int)
class Closed(TypedDict, closed=True):
    x: int
class Same(Closed):
    pass
class Wider(TypedDict):
    x: int
class Longer(TypedDict, closed=True):
    x: int
    y: int
class Box(TypedDict, Generic[T]):
    item: ReadOnly[T]
Call = TypedDict("Call", {"a-b": NotRequired[Closed]}, closed=True)
if sys.version_info >= (3, 12):
    class Page(TypedDict):
        newer: int
else:
    class Page(TypedDict):
        older: int
if TYPE_CHECKING:
    class Late(TypedDict):
        x: int
try:
    from typing_extensions import NoSuchThing as Thing
except ImportError:
    class Thing(TypedDict):
        y: int
flow = Flow[Closed]("flow")
"""


def said(root: Path, body: str, version: str = "3.12") -> tuple[Diagnostic, ...]:
    mypy = f"[mypy]\npython_version = {version}\n"
    write_project(root, {"flows/crawl.py": HEAD + body, "mypy.ini": mypy})
    return build(Config(root.resolve())).diagnostics


def chain(*types: str) -> str:
    """A step for each type, which takes that of the step before."""
    steps = [f"@flow.step\ndef s0(flow_input: Closed) -> {types[0]}:\n    raise ValueError\n"]
    for number, type_ in enumerate(types[1:], start=1):
        before = types[number - 1]
        text = f"def s{number}(s{number - 1}: {before}) -> {type_}:\n    raise ValueError\n"
        steps.append(f"@flow.step\n{text}")
    return "".join(steps)


@pytest.mark.parametrize("version", ["3.11", "3.12"] if sys.version_info >= (3, 12) else ["3.11"])
def test_both_judges_read_the_same(tmp_path: Path, version: str) -> None:
    body = chain(
        "Closed", "Same", "Call", "list[Closed]", "Box", "Box[str]", "Page", "Longer", "dict[str, int]"
    )
    assert not [str(item) for item in said(tmp_path, body, version)]
    text = (tmp_path / "generated/flow.py").read_text()
    assert ("older: int" in text) == (version == "3.11")


@pytest.mark.parametrize(
    ("returns", "takes", "note"),
    [
        ("Wider", "Closed", "Closed is closed, but values of Wider may have other keys"),
        ("Longer", "Closed", "Closed is closed and has no key 'y'"),
        ("Closed", "Longer", "Closed has no key 'y', which Longer has"),
    ],
)
def test_a_closed_record_takes_no_more_than_its_keys(
    tmp_path: Path, returns: str, takes: str, note: str
) -> None:
    body = chain(returns) + f"@flow.step\ndef last(s0: {takes}) -> int:\n    return 1\n"
    (found,) = said(tmp_path, body, "3.11")
    assert found.code == "PGF303"
    assert note in found.notes


def test_a_closed_record_may_go_where_an_open_one_is_asked_for(tmp_path: Path) -> None:
    body = chain("Closed") + "@flow.step\ndef last(s0: Wider) -> int:\n    return s0['x']\n"
    assert not said(tmp_path, body, "3.11")


def test_extra_items_are_refused_with_a_reason(tmp_path: Path) -> None:
    body = "class Extra(TypedDict, extra_items=int):\n    x: int\n" + chain("Extra")
    (found,) = said(tmp_path, body, "3.11")
    assert found.code == "PGF302"
    assert "extra_items" in found.message
    assert found.help is not None


def test_closed_must_be_written_out(tmp_path: Path) -> None:
    body = "YES = True\nclass Odd(TypedDict, closed=YES):\n    x: int\n" + chain("Odd")
    assert {item.code for item in said(tmp_path, body, "3.11")} == {"PGF302"}


def test_the_contract_refuses_other_keys(tmp_path: Path) -> None:
    assert not said(tmp_path, chain("Closed"), "3.11")
    assert '"additionalProperties": false' in (tmp_path / "generated/schemas/flow.json").read_text()
