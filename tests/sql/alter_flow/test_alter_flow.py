"""Options of an existing flow are changed by a function of their own, which migrations call."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.batch import claim_one, fail, register
from tests.support.core import Core


def test_the_complete_set_of_options(core: Core) -> None:
    core.create_flow("f", max_attempts=9, base_delay=9, timeout=9, backoff="fixed", max_delay=9)
    (row,) = core.call("alter_flow", flow_slug="f", max_attempts=1, timeout=2)
    assert row == core.row("select * from pgflow.flows")
    found = (row.opt_max_attempts, row.opt_base_delay, row.opt_timeout, row.opt_backoff, row.opt_max_delay)
    assert found == (1, 5, 2, None, None)


def test_runs_go_on_with_the_new_options(core: Core) -> None:
    core.flow("f", "a", max_attempts=1)
    core.start_flow("f")
    task = claim_one(core, register(core, "f"), "f")
    core.call("alter_flow", flow_slug="f", max_attempts=5, base_delay=50)
    (row,) = fail(core, [task])
    assert (row.outcome, row.delay, row.max_attempts) == ("retried", 100, 5)


def test_unknown_flow(core: Core) -> None:
    with core.refused(sqlstate="PF001"):
        core.call("alter_flow", flow_slug="nope")


@pytest.mark.parametrize("option", [{"max_attempts": -1}, {"timeout": 0}, {"backoff": "linear"}])
def test_invalid_options(core: Core, option: dict[str, Any]) -> None:
    core.create_flow("f")
    with core.refused(sqlstate="23514"):
        core.call("alter_flow", flow_slug="f", **option)
