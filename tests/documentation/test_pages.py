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


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(DOCS)))
def test_page(page: Path, tmp_path: Path, new_database: Callable[[str], str]) -> None:
    text = page.read_text(encoding="utf-8")
    blocks = blocks_of(text)
    assert text.count("```") == 2 * len(blocks), "a fence that is not closed, or names no language"
    is_embedded = "<!-- test: embedded -->" in text
    with ExitStack() as running:
        stage = Stage(tmp_path, None if is_embedded or not blocks else new_database("bare"), running)
        for block in blocks:
            try:
                stage.run(block)
            except AssertionError as error:
                raise AssertionError(f"{page.relative_to(REPOSITORY)}:{block.line}: {error}") from None
