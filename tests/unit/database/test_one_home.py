"""All connections are opened in ``pgflow_runtime.database``, where what we rely on is pinned."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

RUNTIME = Path(__file__).resolve().parents[3] / "runtime" / "pgflow_runtime"
OWNERS = {"psycopg", "psycopg2", "Connection", "AsyncConnection", "asyncpg"}
POOLS = {"ConnectionPool", "AsyncConnectionPool", "NullConnectionPool", "AsyncNullConnectionPool"}


def opened(source: str) -> list[int]:
    """The lines of a module that open a connection or a pool by themselves."""
    return [
        node.lineno
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call) and _opens(_subject(node.func))
    ]


def _opens(function: ast.expr) -> bool:
    if isinstance(function, ast.Attribute) and function.attr == "connect":
        owner = _subject(function.value)
        return (owner.attr if isinstance(owner, ast.Attribute) else getattr(owner, "id", "")) in OWNERS
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    return name in POOLS


def _subject(node: ast.expr) -> ast.expr:
    """``Connection[Any]`` is ``Connection``."""
    return node.value if isinstance(node, ast.Subscript) else node


def test_nobody_else_opens_connections() -> None:
    found = {
        f"{path.relative_to(RUNTIME)}:{line}"
        for path in RUNTIME.rglob("*.py")
        if path.parent != RUNTIME / "database"
        for line in opened(path.read_text(encoding="utf-8"))
    }
    assert found == set(), "open it with pgflow_runtime.database, which pins what we rely on"


@pytest.mark.parametrize(
    "source",
    [
        "import psycopg\npsycopg.connect('')",
        "from psycopg import Connection\nConnection.connect('')",
        "import psycopg\npsycopg.AsyncConnection[int].connect('')",
        "from psycopg_pool import ConnectionPool as P, ConnectionPool\nConnectionPool('')",
        "import psycopg_pool\npsycopg_pool.AsyncConnectionPool[object]('')",
    ],
)
def test_the_search_finds_each_way_of_opening_one(source: str) -> None:
    assert opened(source) == [2]
