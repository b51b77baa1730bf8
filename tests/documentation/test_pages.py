"""Every code block of the documentation does what its page says, in order, in a project of its own."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.documentation.blocks import blocks_of
from tests.documentation.stage import Stage
from tests.support.core import connect
from tests.support.databases import STUBS
from tests.support.project import REPOSITORY
from tests.support.supabase_server import SERVICE_KEY, SupabaseServer

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
        dsn = None if is_embedded or not blocks else new_database("bare")
        variables = _supabase(dsn, running) if dsn and "<!-- test: supabase -->" in text else {}
        stage = Stage(tmp_path, dsn, running, variables)
        for block in blocks:
            try:
                stage.run(block)
            except AssertionError as error:
                raise AssertionError(f"{path.relative_to(REPOSITORY)}:{block.line}: {error}") from None


def _supabase(dsn: str, running: ExitStack) -> dict[str, str]:
    """A database as Supabase's is, with its API; the variables that name them."""
    with connect(dsn) as connection:
        connection.execute(STUBS.read_text(encoding="utf-8").encode())
    server = running.enter_context(SupabaseServer(dsn, mark="").running())
    server.grant(SERVICE_KEY, "usage on schema public")
    return {"SUPABASE_URL": server.url, "SUPABASE_SERVICE_ROLE_KEY": SERVICE_KEY}
