"""Statements that bring their limit along."""

from __future__ import annotations

from typing import LiteralString

import pytest

from pgflow_runtime.database import ENGINE
from pgflow_runtime.worker.dispatch.lock_limits import limited
from pgflow_runtime.worker.protocol.statements import ANNOUNCE, CLAIM, COMPLETE, FAIL, RELEASE


@pytest.mark.parametrize("statement", [ANNOUNCE, CLAIM, COMPLETE, FAIL, RELEASE])
def test_the_call_depends_on_the_limit(statement: LiteralString) -> None:
    found = limited(statement)
    limit = ENGINE.settings["lock_timeout"]
    assert found.count(f"set_config('lock_timeout', '{limit}', true)") == 1
    assert found.count("case when l.is_set then %s::uuid[] end") == 1
    assert found.count("%s") == statement.count("%s")
    assert found.count("pgflow.") == statement.count("pgflow.")
