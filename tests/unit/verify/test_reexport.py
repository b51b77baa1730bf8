"""What a module imports it has, for others too: mypy's strictness about that is the user's own business."""

from __future__ import annotations

from pathlib import Path

from pgflow_gen.config import Config
from pgflow_gen.pipeline import check

FILES = {
    "flows/shapes.py": "from typing import TypedDict\n\n\nclass Shape(TypedDict):\n    sides: int\n",
    "flows/middle.py": "from flows.shapes import Shape\n",
    "flows/crawl.py": """\
from flows.middle import *
from pgflow_runtime import Flow

crawl = Flow[str]("crawl")


@crawl.step
def draw(flow_input: str) -> Shape:
    return {"sides": 3}


@crawl.step
def count(draw: Shape) -> int:
    return draw["sides"]
""",
}


def test_a_name_that_came_by_a_star_through_another_module(tmp_path: Path) -> None:
    (tmp_path / "flows").mkdir()
    for path, text in FILES.items():
        (tmp_path / path).write_text(text)
    assert [item.message for item in check(Config(tmp_path.resolve())).diagnostics] == []
