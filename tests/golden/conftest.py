"""``pytest tests/golden --regenerate`` writes what the compiler makes now as what is expected."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--regenerate",
        action="store_true",
        help="write tests/golden/<case>/expected anew, then read the diff",
    )


@pytest.fixture
def regenerate(request: pytest.FixtureRequest) -> bool:
    # Unknown when pytest was not started on this folder: then nobody asked for it.
    return bool(request.config.getoption("--regenerate", default=False))
