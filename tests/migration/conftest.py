"""How many lives of a project are lived: ``pytest tests/migration --evolution-examples 2000``."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("pgflow", "longer runs of the randomised tests")
    group.addoption("--evolution-examples", type=int, help="random histories of flows (default 25)")
    group.addoption("--evolution-seed", type=int, help="seed of the first of them (default 1)")


def _number(config: pytest.Config, option: str, default: int) -> int:
    # Options of a conftest below the root are unknown unless the folder was named.
    given = config.getoption(option, default=None)
    return default if given is None else int(str(given))


@pytest.fixture
def evolution_examples(pytestconfig: pytest.Config) -> int:
    return _number(pytestconfig, "--evolution-examples", 25)


@pytest.fixture
def evolution_seed(pytestconfig: pytest.Config) -> int:
    return _number(pytestconfig, "--evolution-seed", 1)
