"""A flow is made from its structure, once (specification/core.md, "Definitions")."""

from __future__ import annotations

from typing import Any

import pytest
from psycopg.types.json import Jsonb

from tests.support.core import Core
from tests.support.shapes import LOCAL, create, shape, step, stored_shape

OLD, NEW = shape(step("a")), shape(step("a"), step("b", "a"))
DIFFERENCES = ["Step count differs: 2 vs 1", "Step at index 1: missing in second shape (first has 'b')"]


def ensure(core: Core, of: dict[str, Any], *allow: bool) -> dict[str, Any]:
    given = "".join(", allow_data_loss => true" if value else ", false" for value in allow)
    found: dict[str, Any] = core.value(f"select pgflow.ensure_flow_compiled('f', %s{given})", Jsonb(of))
    return found


def test_unknown_flow(core: Core) -> None:
    assert ensure(core, NEW) == {"status": "compiled", "differences": []}
    assert stored_shape(core, "f") == NEW


def test_same_shape(core: Core) -> None:
    create(core, "f", NEW)
    core.start_flow("f")
    assert ensure(core, NEW) == {"status": "verified", "differences": []}
    assert core.value("select count(*) from pgflow.runs") == 1


def test_difference_in_production(core: Core) -> None:
    create(core, "f", OLD)
    core.start_flow("f")
    assert ensure(core, NEW) == {"status": "mismatch", "differences": DIFFERENCES}
    assert stored_shape(core, "f") == OLD
    assert core.value("select count(*) from pgflow.runs") == 1


@pytest.mark.parametrize("local", [True, False])
def test_difference_where_data_may_be_lost(core: Core, local: bool) -> None:
    create(core, "f", OLD)
    core.start_flow("f")
    if local:
        core.run_sql("select set_config('app.settings.jwt_secret', %s, true)", LOCAL)
    found = ensure(core, NEW) if local else ensure(core, NEW, True)
    assert found == {"status": "recompiled", "differences": DIFFERENCES}
    assert stored_shape(core, "f") == NEW
    assert core.value("select count(*) from pgflow.runs") == 0
    assert core.queue("f") == []
