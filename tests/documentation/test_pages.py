"""Every code block of the documentation does what its page says, in order, in a project of its own."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.documentation.blocks import blocks_of
from tests.documentation.stage import Stage
from tests.support.project import REPOSITORY

DOCS = REPOSITORY / "docs"
# Made by scripts from code, with tests of their own: wrong flows on purpose, tables without code.
MADE = {"diagnostics.md", "errors.md"}
PAGES = [page for page in sorted(DOCS.rglob("*.md")) if page.name not in MADE]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(DOCS)))
def test_page(path: Path, tmp_path: Path, new_database: Callable[[str], str]) -> None:
    text = path.read_text(encoding="utf-8")
    blocks = blocks_of(text)
    assert text.count("```") == 2 * len(blocks), "a fence that is not closed, or names no language"
    is_embedded = "<!-- test: embedded -->" in text
    with ExitStack() as running:
        stage = Stage(tmp_path, None if is_embedded or not blocks else new_database("bare"), running)
        for block in blocks:
            try:
                stage.run(block)
            except AssertionError as error:
                raise AssertionError(f"{path.relative_to(REPOSITORY)}:{block.line}: {error}") from None
