"""A database with the flow of ``tests.support.crawl``, and a hand that does the worker's work."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.core import Core, connect
from tests.support.crawl import LINES


@pytest.fixture
def hand(plain_database_dsn: str) -> Iterator[Core]:
    """The core on a connection of its own; each call is its own transaction."""
    with connect(plain_database_dsn) as connection:
        core = Core(connection)
        core.flow("crawl", *LINES, max_attempts=1)
        yield core


@pytest.fixture
def dsn(hand: Core, plain_database_dsn: str) -> str:
    return plain_database_dsn
