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


@pytest.mark.parametrize("whose", ["flow", "step"])
def test_tasks_that_have_started_keep_their_timeout(core: Core, whose: str) -> None:
    """A shorter one neither takes them away nor lets their messages be read again and again."""
    core.flow("f", "a", timeout=1000)
    core.start_flow("f")
    worker = register(core, "f")
    task = claim_one(core, worker, "f")
    _alter(core, whose, 100)
    _alter(core, whose, 10)
    _began_ago(core, 500)
    core.run_sql("update pgmq.q_f set vt = now()")
    assert core.value("select pgflow.recover_stalled_tasks()") == 0
    assert core.value("select pgflow.requeue_stalled_tasks()") == 0
    assert core.task(task.run_id, "a").status == "started"
    assert core.call("claim_tasks", worker_ids=[worker], flow_slugs=["f"], max_tasks=1) == []
    assert 500 < core.value("select extract(epoch from vt - now()) from pgmq.q_f") < 535
    _began_ago(core, 1040)
    core.run_sql("update pgmq.q_f set vt = now()")
    assert core.value("select pgflow.recover_stalled_tasks()") == 1


@pytest.mark.parametrize("whose", ["flow", "step"])
def test_tasks_that_start_later_have_the_new_timeout(core: Core, whose: str) -> None:
    core.flow("f", "a", timeout=1000)
    _alter(core, whose, 10)
    core.run_sql("update pgflow.prepared_flows set shortened_at = now() - interval '2 days'")
    core.start_flow("f")
    claim_one(core, register(core, "f"), "f")
    _began_ago(core, 45)
    core.run_sql("update pgmq.q_f set vt = now()")
    assert core.value("select pgflow.recover_stalled_tasks()") == 1


def _alter(core: Core, whose: str, timeout: int) -> None:
    if whose == "flow":
        core.call("alter_flow", flow_slug="f", timeout=timeout)
    else:
        core.call("alter_step", flow_slug="f", step_slug="a", timeout=timeout)


def _began_ago(core: Core, seconds: int) -> None:
    core.run_sql(
        """update pgflow.step_tasks set queued_at = now() - interval '1 day',
             started_at = now() - make_interval(secs => %s)""",
        seconds,
    )
