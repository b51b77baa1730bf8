"""How long the randomised tests run: ``pytest tests/properties --oracle-examples 2000``."""

from __future__ import annotations

import pytest

DEFAULTS = {"--oracle-examples": 40, "--fuzz-examples": 100, "--cache-examples": 15, "--property-seed": 1}


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("pgflow", "longer runs of the randomised tests")
    group.addoption("--oracle-examples", type=int, help="generated packages of types to compare with mypy")
    group.addoption("--fuzz-examples", type=int, help="hostile projects that each fuzz test compiles")
    group.addoption(
        "--cache-examples", type=int, help="series of edits that are built with and without a cache"
    )
    group.addoption("--property-seed", type=int, help="seed of the oracle and of the fuzz tests")


def _number(config: pytest.Config, option: str) -> int:
    # Options of a conftest below the root are unknown unless the folder was named.
    given = config.getoption(option, default=None)
    return DEFAULTS[option] if given is None else int(str(given))


@pytest.fixture
def oracle_examples(pytestconfig: pytest.Config) -> int:
    return _number(pytestconfig, "--oracle-examples")


@pytest.fixture
def fuzz_examples(pytestconfig: pytest.Config) -> int:
    return _number(pytestconfig, "--fuzz-examples")


@pytest.fixture
def cache_examples(pytestconfig: pytest.Config) -> int:
    return _number(pytestconfig, "--cache-examples")


@pytest.fixture
def property_seed(pytestconfig: pytest.Config) -> int:
    return _number(pytestconfig, "--property-seed")
