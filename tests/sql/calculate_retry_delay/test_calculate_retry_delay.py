"""How long until the next attempt (specification/core.md, "Failing")."""

from __future__ import annotations

import pytest

from tests.support.core import Core


@pytest.mark.parametrize(
    ("base", "attempts", "expected"),
    [
        ("1", 2, 4),
        ("2", 3, 16),
        ("5", 1, 10),
        ("5", 2, 20),
        ("0", 9, 0),
        ("5", 0, 5),
        ("1.5", 1, 3),
        ("0.3", 2, 1),
    ],
)
def test_formula(core: Core, base: str, attempts: int, expected: int) -> None:
    found = core.value(f"select pgflow.calculate_retry_delay({base}, {attempts})")
    assert (found, type(found)) == (expected, int)


def test_names_and_type(core: Core) -> None:
    row = core.row(
        "select pg_typeof(pgflow.calculate_retry_delay(base_delay => 1, attempts_count => 1))::text as type, "
        "provolatile::text from pg_proc where oid = 'pgflow.calculate_retry_delay'::regproc"
    )
    assert tuple(row) == ("integer", "i")


def test_no_cap(core: Core) -> None:
    assert core.value("select pgflow.calculate_retry_delay(1, 30)") == 2**30
