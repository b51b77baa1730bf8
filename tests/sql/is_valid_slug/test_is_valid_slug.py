"""Which names can be slugs (specification/core.md, "Definitions")."""

from __future__ import annotations

import pytest

from tests.support.core import Core

GOOD = ["a", "A", "_", "_a", "a1", "snake_case", "CamelCase", "x" * 128, "runs", "Run", "RUN", "run_1", "__"]
BAD = [
    None, "", "1", "1a", "a-b", "a b", " a", "a ", "a\n", "\na", "a.b", "a/b", "ä", "aä", "𝟙", "x" * 129,
    "run", "a\tb", "a$", "a'b", 'a"b', "é", "\u017f", "\u212a",
]  # fmt: skip


@pytest.mark.parametrize("slug", GOOD)
def test_good(core: Core, slug: str) -> None:
    assert core.value("select pgflow.is_valid_slug(%s)", slug) is True


@pytest.mark.parametrize("slug", BAD)
def test_bad(core: Core, slug: str | None) -> None:
    assert core.value("select pgflow.is_valid_slug(%s)", slug) is False


def test_named_and_immutable(core: Core) -> None:
    assert core.value("select pgflow.is_valid_slug(slug => 'a')") is True
    assert (
        core.value("select provolatile::text from pg_proc where oid = 'pgflow.is_valid_slug'::regproc") == "i"
    )
