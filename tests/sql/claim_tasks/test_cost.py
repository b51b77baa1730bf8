"""What a call costs, in pages looked at: it must not grow with what the call does not concern."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

import pytest

from tests.support.batch import claim, complete, register
from tests.support.core import Core


def pages(core: Core, call: str, *params: object) -> int:
    """Pages touched by a statement (in the cache or read), everything it calls included."""
    (plan,) = core.value(f"explain (analyze, buffers, format json) {call}", *params)
    found: int = plan["Plan"]["Shared Hit Blocks"] + plan["Plan"]["Shared Read Blocks"]
    return found


def claim_fifty(core: Core, flow_slug: str) -> int:
    return pages(
        core, "select * from pgflow.claim_tasks(%s, %s, 50)", [register(core, flow_slug)], [flow_slug]
    )


def start_fifty(core: Core, flow_slug: str) -> int:
    ids = core.read(flow_slug, 50)
    worker = register(core, flow_slug)
    return pages(core, "select * from pgflow.start_tasks(%s, %s, %s)", flow_slug, ids, worker)


@pytest.mark.parametrize("call", [claim_fifty, start_fifty])
def test_of_a_small_and_a_large_map(core: Core, call: Callable[[Core, str], int]) -> None:
    """Per task the same at 100 and at 10,000 elements: a quadratic way would be a hundred times dearer."""
    costs = []
    for flow, size in (("warm", 100), ("small", 100), ("large", 10_000)):
        core.flow(flow, "m:map")
        core.start_flow(flow, [{"n": n, "text": "x" * 20} for n in range(size)])
        costs.append(call(core, flow))
    assert costs[2] < 4 * costs[1], costs


def test_of_small_inputs_after_a_large_value(core: Core) -> None:
    """A flow that has carried one pays for measuring where an input is large, not for ever."""
    core.flow("f", "s", "t < s")
    worker = register(core, "f")
    large = core.start_flow("f", "x" * 100_000)
    complete(core, claim(core, (worker, "f")))
    core.run_sql("set track_functions = 'all'")

    def counted() -> int:
        calls = "select coalesce(pg_stat_get_xact_function_calls('pgflow._task_results'::regproc), 0)"
        return int(core.value(calls))

    def ways() -> int:
        """How often inputs were put together for the tasks that one call claims."""
        with core.connection.transaction():
            before = counted()
            claim(core, (worker, "f"), max_tasks=50)
            return counted() - before

    core.run_sql("select count(*) from pgflow.start_flows('f', array_fill('1'::jsonb, array[50]))")
    assert core.run(large.run_id).status == "started"
    assert ways() == 1
    core.run_sql(
        "select count(*) from pgflow.start_flows('f', array_fill(to_jsonb(%s::text), array[50]))", _text()
    )
    assert ways() == 50


def _text() -> str:
    """What does not compress well."""
    return "".join(str(uuid4()) for _ in range(500))


def test_of_a_task_with_few_and_with_many_dependencies(core: Core) -> None:
    """Per dependency the same with 20 and with 400, also by a plan made while all runs were small."""
    core.flow("small", "a", "b < a", "c < b")
    core.run_sql("select count(*) from pgflow.start_flows('small', array_fill('1'::jsonb, array[500]))")
    core.run_sql("analyze")
    small = register(core, "small")
    complete(core, claim(core, (small, "small"), max_tasks=1), hand_over=1)
    costs = []
    for flow, count in (("few", 20), ("many", 400)):
        roots = [f"s{n}" for n in range(count)]
        core.flow(flow, *roots, f"join < {' '.join(roots)}")
        core.start_flow(flow, {"text": "x" * 20})
        worker = register(core, flow)
        complete(core, claim(core, (worker, flow), max_tasks=count), ["x" * 20] * count)
        costs.append(pages(core, "select * from pgflow.claim_tasks(%s, %s, 1)", [worker], [flow]) / count)
    assert costs[1] < 2 * costs[0], costs


def test_of_a_completion_in_a_small_and_a_large_map(core: Core) -> None:
    costs = []
    for flow, size in (("warm", 20), ("small", 20), ("large", 5_000)):
        core.flow(flow, "m:map")
        run = core.start_flow(flow, list(range(size)))
        (task, *_) = core.poll(flow, 10)
        call = "select * from pgflow.complete_task(%s, 'm', %s, '1')"
        costs.append(pages(core, call, run.run_id, task.task_index))
    assert costs[2] < 3 * costs[1], costs


def test_of_a_completion_among_many_runs(core: Core) -> None:
    core.flow("f", "a", "b < a")
    costs = []
    for others in (0, 5, 2_000):
        core.run_sql(
            "select count(*) from pgflow.start_flows('f', array_fill('1'::jsonb, array[%s]))", others
        )
        run = core.start_flow("f")
        message = core.task(run.run_id, "a").message_id
        core.start_tasks("f", [message])
        costs.append(pages(core, "select * from pgflow.complete_task(%s, 'a', 0, '1')", run.run_id))
    assert costs[2] < 3 * costs[1], costs
