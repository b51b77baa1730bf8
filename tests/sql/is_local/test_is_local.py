"""Whether this is a database for development (specification/core.md, "Environment")."""

from __future__ import annotations

import pytest

from tests.support.core import Core
from tests.support.shapes import LOCAL


@pytest.mark.parametrize(
    ("secret", "expected"), [(LOCAL, True), ("", False), ("other", False), (LOCAL + " ", False)]
)
def test_secret(core: Core, secret: str, expected: bool) -> None:
    core.run_sql("select set_config('app.settings.jwt_secret', %s, true)", secret)
    assert core.value("select pgflow.is_local()") is expected


def test_without_the_setting(core: Core) -> None:
    assert core.value("select pgflow.is_local()") is False


def test_stable(core: Core) -> None:
    assert core.value("select provolatile::text from pg_proc where oid = 'pgflow.is_local'::regproc") == "s"
