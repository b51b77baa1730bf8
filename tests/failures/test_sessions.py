"""The codes about generated files: a story that yields exactly the code, and its end that yields nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pgflow_gen.checks import rules
from pgflow_gen.config import Config
from pgflow_gen.pipeline import Mode, build
from pgflow_gen.write import release

FLOW = """\
from pgflow_runtime import Flow

crawl = Flow[str]("crawl")


@crawl.step
def fetch(flow_input: str) -> str:
    return flow_input
"""
MORE = """

@crawl.step
def count(fetch: str) -> int:
    return len(fetch)
"""

SECOND = FLOW.replace('"crawl"', '"crawl", version=2') + MORE


class Story:
    """A project of one flow that was built, and is then treated badly."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.source = root / "flows/crawl.py"
        self.source.parent.mkdir()
        self.source.write_text(FLOW)
        assert self.codes("write") == []

    @property
    def migration(self) -> Path:
        return self.root / "generated/migrations/0001_crawl.sql"

    def codes(self, mode: Mode) -> list[tuple[str, str]]:
        """Code and path of all findings of a build."""
        report = build(Config(self.root), mode=mode, verify=False)
        return [(item.code, item.span.path) for item in report.diagnostics]


def shape_changed(story: Story) -> None:
    release(Config(story.root))
    story.source.write_text(FLOW + MORE)
    assert story.codes("write") == story.codes("check") == [("PGF401", "flows/crawl.py")]
    story.source.write_text(FLOW)
    story.source.with_name("crawl_v2.py").write_text(SECOND)
    assert story.codes("write") == []


def migration_edited(story: Story) -> None:
    release(Config(story.root))
    text = story.migration.read_text()
    story.migration.unlink()
    wanted = [("PGF402", "generated/migrations/0001_crawl.sql")]
    assert story.codes("write") == story.codes("check") == wanted
    story.migration.write_text(text + "-- more\n")
    assert story.codes("write") == story.codes("check") == wanted
    story.migration.write_text(text)
    assert story.codes("write") == []


def stale(story: Story) -> None:
    story.source.write_text(FLOW.replace("str]", "int]").replace("flow_input: str", "flow_input: int"))
    assert {code for code, _ in story.codes("check")} == {"PGF403"}
    assert story.codes("write") == []


def edited_by_hand(story: Story) -> None:
    client = story.root / "generated/client.py"
    text = client.read_text()
    client.write_text(text + "# my note\n")
    assert story.codes("check") == [("PGF404", "generated/client.py")]
    client.write_text(text)
    assert story.codes("check") == []


def version_gone(story: Story) -> None:
    release(Config(story.root))
    story.source.write_text(SECOND)
    assert story.codes("write") == story.codes("check") == [("PGF317", "flows/crawl.py")]
    story.source.with_name("crawl_v1.py").write_text(FLOW)
    assert story.codes("write") == []
    story.source.with_name("crawl_v1.py").unlink()
    assert story.codes("write") == story.codes("write") == [("PGF317", "flows/crawl.py")]
    release(Config(story.root))
    assert story.codes("write") == []


SHOP = """\
from enum import StrEnum
from typing import Annotated, Literal, NotRequired, TypedDict

from annotated_types import MaxLen

from pgflow_runtime import Default, Flow


class Item(TypedDict):
    sku: str
    state: NotRequired[Literal["new", "used"]]


shop = Flow[Item]("shop")


@shop.array
def items(flow_input: Item) -> list[Item]:
    return []
"""


def _types_changed(code: str, old: str, narrow: str, wide: str) -> Callable[[Story], None]:
    """The warning at the input and at the step's output; mended it is gone, and after a release as well."""

    def story(story: Story) -> None:
        path = story.source.with_name("shop.py")
        path.write_text(SHOP)
        assert story.codes("write") == []
        release(Config(story.root))
        assert story.codes("write") == []
        for released in (False, True):
            path.write_text(SHOP.replace(old, narrow))
            assert story.codes("write") == story.codes("write") == [(code, "flows/shop.py")] * 2
            if released:
                assert release(Config(story.root)) == ()
            else:
                path.write_text(SHOP.replace(old, wide))
            assert story.codes("write") == []

    return story


STORIES: dict[str, Callable[[Story], None]] = {
    "PGF317": version_gone,
    "PGF401": shape_changed,
    "PGF402": migration_edited,
    "PGF403": stale,
    "PGF404": edited_by_hand,
    "PGF405": _types_changed(
        "PGF405",
        "    sku: str",
        "    sku: str\n    size: int",
        "    sku: str\n    size: NotRequired[Annotated[int, Default(1)]]",
    ),
    "PGF406": _types_changed("PGF406", "sku: str", "sku: int", "sku: str | int"),
    "PGF407": _types_changed(
        "PGF407", "sku: str", "sku: Annotated[str, MaxLen(8)]", "sku: Annotated[str, 8]"
    ),
    "PGF408": _types_changed(
        "PGF408", "(TypedDict)", "(TypedDict, closed=True)", "(TypedDict, closed=False)"
    ),
    "PGF409": _types_changed("PGF409", '"new", "used"', '"new"', '"new", "used", "old"'),
}


@pytest.mark.parametrize("code", STORIES)
def test_story(code: str, tmp_path: Path) -> None:
    story = Story(tmp_path.resolve())
    STORIES[code](story)
    assert story.codes("check") == []


def test_every_code_without_an_example_of_source_has_a_story() -> None:
    assert [rule.code for rule in rules().values() if rule.kind == "session"] == list(STORIES)
