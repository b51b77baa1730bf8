"""Parents and children that can both be undone: what a child did rests on what its parent did before."""

from __future__ import annotations

from uuid import UUID

import pytest
from psycopg.types.json import Jsonb

from pgflow_runtime.testing.engine.companions import Companions, UndoRule
from tests.support.batch import claim, complete, fail, register
from tests.support.control import cancel, retry
from tests.support.core import Core, Row
from tests.support.subflows import add_subflow, children
from tests.support.timers import fire, pass_time, timers
from tests.support.undo_flows import define, options_of, undos_of


def flow(core: Core, slug: str, subflow: str | None = None) -> None:
    """first -> last, or a run of another flow in its place; first can be undone."""
    companions = Companions(undo=f"{slug}__undo", undone={"first": UndoRule("undo_first")})
    core.create_flow(slug, options=Jsonb(options_of(companions)), max_attempts=1, base_delay=0)
    core.add_step(slug, "first")
    if subflow is None:
        core.add_step(slug, "last", ["first"])
    else:
        add_subflow(core, slug, "last", ["first"], subflow)
    define(core, slug, companions, {"first": (), "last": ("first",)})


def tasks_of(core: Core, slug: str) -> list[Row]:
    return claim(core, (register(core, slug), slug))


def settle(core: Core) -> None:
    while fire(core).fired_count:
        pass


@pytest.fixture
def family(core: Core) -> tuple[UUID, UUID, UUID]:
    """A run, its child and the child's child, which are at their last steps."""
    flow(core, "inner")
    flow(core, "middle", "inner")
    flow(core, "outer", "middle")
    run: UUID = core.start_flow("outer").run_id
    found = [run]
    for slug in ("outer", "middle"):
        complete(core, tasks_of(core, slug))
        complete(core, tasks_of(core, slug))
        (child,) = children(core, found[-1])
        found.append(child.run_id)
    complete(core, tasks_of(core, "inner"))
    outer, middle, inner = found
    return outer, middle, inner


@pytest.mark.parametrize("how", ["cancelled", "failed"])
def test_children_are_undone_before_their_parents(
    core: Core, family: tuple[UUID, UUID, UUID], how: str
) -> None:
    last = tasks_of(core, "inner")
    if how == "failed":
        fail(core, last)
    else:
        cancel(core, family[0])
    order = []
    for _ in range(3):
        settle(core)
        under_way = [slug for slug in ("inner", "middle", "outer") if tasks_of_undo(core, slug)]
        order.append(under_way)
        for slug in under_way:
            complete(core, tasks_of_undo(core, slug))
    settle(core)
    assert order == [["inner"], ["middle"], ["outer"]]
    assert {core.run(undo).status for run in family for undo in undos_of(core, run)} == {"completed"}
    assert timers(core) == []


def tasks_of_undo(core: Core, slug: str) -> list[Row]:
    """Those that are there to be claimed, or are claimed."""
    tasks_of(core, f"{slug}__undo")
    return core.rows(
        """select t.run_id, t.step_slug, t.task_index, t.last_worker_id as worker_id,
             t.attempts_count as attempt
           from pgflow.step_tasks t join pgflow.runs r using (run_id)
           where t.flow_slug = %s and t.status = 'started' and r.status = 'started'""",
        f"{slug}__undo",
    )


@pytest.mark.parametrize("end", ["fails", "is cancelled", "is deleted"])
def test_whatever_becomes_of_the_child_s_undo_the_parent_s_follows(
    core: Core, family: tuple[UUID, UUID, UUID], end: str
) -> None:
    _, middle, inner = family
    cancel(core, inner)
    settle(core)
    assert undos_of(core, middle) == []
    if end == "fails":
        fail(core, tasks_of(core, "inner__undo"))
    elif end == "is cancelled":
        cancel(core, *undos_of(core, inner))
    else:
        core.run_sql("select pgflow.delete_flow_and_data('inner__undo')")
    settle(core)
    assert len(undos_of(core, middle)) == 1


def test_a_parent_that_waits_for_it_looks_ever_more_rarely(
    core: Core, family: tuple[UUID, UUID, UUID]
) -> None:
    """An undo may take days, and many may."""
    cancel(core, family[2])
    settle(core)
    for past in ("started_at", "failed_at"):
        core.run_sql(f"update pgflow.runs set {past} = {past} - interval '1 day' where status = 'failed'")
    pass_time(core, 10)
    settle(core)
    assert {round(timer.seconds / 10) for timer in timers(core)} == {60}
    assert {retry(core, run)[0] for run in family[:1]} == {"companions_under_way"}
