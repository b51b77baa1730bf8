"""What passes between parents and children, killed at each statement that writes, is whole or nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import psycopg
import pytest

from tests.support.batch import claim, complete, fail, register
from tests.support.control import cancel, retry
from tests.support.core import Core, Row, connect
from tests.support.invariants import assert_sound
from tests.support.subflows import children, family, hand_over
from tests.support.timers import fire
from tests.support.wait import eventually

KILLER = """
create schema test;
create function test.kill() returns trigger language plpgsql as $$
declare
  v_count constant int := coalesce(nullif(current_setting('test.count', true), ''), '0')::int + 1;
begin
  perform set_config('test.count', v_count::text, false);
  if v_count = nullif(current_setting('test.kill_at', true), '')::int then
    perform pg_terminate_backend(pg_backend_pid());
    perform pg_sleep(60);
  end if;
  return null;
end;
$$;
do $$
declare
  v_table regclass;
begin
  for v_table in
    select c.oid from pg_class c
    where c.relkind = 'r' and (
      c.relnamespace = 'pgflow'::regnamespace and c.relname in (
        'runs', 'step_states', 'step_tasks', 'origins', 'ended_children', 'timers'
      )
      or c.relnamespace = 'pgmq'::regnamespace and c.relname ~ '^[qa]_(parent|child)$'
    )
  loop
    execute format(
      'create trigger kill before insert or update or delete on %s
       for each statement execute function test.kill()',
      v_table
    );
  end loop;
end;
$$;
"""


class Story:
    """A map of two children, as far as a test wants it; `task` is what its call is about."""

    def __init__(self, core: Core) -> None:
        family(core, step_type="map", max_attempts=2)
        self.core = core
        self.run: UUID = core.start_flow("parent", [1, 2]).run_id
        self.tasks: list[Row] = []

    def claimed(self) -> None:
        self.tasks = claim(self.core, (register(self.core, "parent"), "parent"))

    def begun(self) -> None:
        hand_over(self.core, self.run)
        self.tasks = claim(self.core, (register(self.core, "child"), "child"))

    def completed(self) -> None:
        self.begun()
        complete(self.core, self.tasks, ["x", "y"])

    def failed(self) -> None:
        self.begun()
        fail(self.core, self.tasks)

    def exhausted(self) -> None:
        for _ in range(2):
            self.failed()
            fire(self.core)

    def cancelled(self) -> None:
        self.begun()
        cancel(self.core, self.run)

    def all_cancelled(self) -> None:
        self.cancelled()
        fire(self.core)

    def retried(self) -> None:
        self.all_cancelled()
        fire(self.core)
        retry(self.core, self.run)

    def statuses(self) -> set[str]:
        return {child.status for child in children(self.core, self.run)}


CALLS: dict[str, tuple[Callable[[Story], None], Callable[[Story, Core], Any], Callable[[Story], bool]]] = {
    "children start": (
        Story.claimed,
        lambda story, core: complete(core, story.tasks, [1, 2]),
        lambda story: len(children(story.core, story.run)) == 2,
    ),
    "children complete": (
        Story.begun,
        lambda story, core: complete(core, story.tasks, ["x", "y"]),
        lambda story: story.statuses() == {"completed"},
    ),
    "children fail": (
        Story.begun,
        lambda story, core: fail(core, story.tasks),
        lambda story: story.statuses() == {"failed"},
    ),
    "the parent hears of outputs": (
        Story.completed,
        lambda story, core: fire(core),
        lambda story: story.core.step(story.run, "bill").output == [{"work": "x"}, {"work": "y"}],
    ),
    "the parent hears of failures": (
        Story.failed,
        lambda story, core: fire(core),
        lambda story: [task.waits_for for task in story.core.tasks(story.run, "bill")] == [None, None],
    ),
    "the parent is cancelled": (
        Story.begun,
        lambda story, core: cancel(core, story.run),
        lambda story: story.core.run(story.run).status == "cancelled",
    ),
    "children are cancelled": (
        Story.cancelled,
        lambda story, core: fire(core),
        lambda story: story.statuses() == {"cancelled"},
    ),
    "the parent is retried": (
        Story.exhausted,
        lambda story, core: retry(core, story.run),
        lambda story: story.core.run(story.run).status == "started",
    ),
    "children are retried": (
        Story.retried,
        lambda story, core: fire(core),
        lambda story: story.statuses() == {"started"},
    ),
}


@pytest.fixture
def killer(live: Core) -> Iterator[Callable[[], None]]:
    """From its call on, sessions that ask for it are killed at their nth statement that writes."""
    yield lambda: live.run_sql(KILLER)
    live.run_sql("drop schema test cascade")


@pytest.mark.parametrize("name", CALLS)
def test_it_happens_whole_or_not_at_all(
    live: Core, live_dsn: str, killer: Callable[[], None], name: str
) -> None:
    before, call, has_happened = CALLS[name]
    story = Story(live)
    before(story)
    killer()
    assert not has_happened(story)
    found, kills = everything(live), 0
    while is_killed(live_dsn, kills + 1, lambda core: call(story, core)):
        kills += 1
        assert everything(live) == found, f"killed at statement {kills}"
    assert kills >= 2
    assert has_happened(story)
    assert_sound(live, events=False)


def everything(core: Core) -> list[list[Row]]:
    """All rows that such a call may write."""
    tables = ["runs", "step_states", "step_tasks", "origins", "ended_children", "timers"]
    names = [f"pgflow.{table}" for table in tables]
    names += [f"pgmq.{kind}_{flow}" for kind in "qa" for flow in ("parent", "child")]
    return [core.rows(f"select * from {name} t order by t::text") for name in names]


def is_killed(dsn: str, statement: int, call: Callable[[Core], Any]) -> bool:
    """Whether the call came to its so-manieth statement, at which it is killed."""
    with connect(dsn) as connection:
        core = Core(connection)
        pid = core.value("select pg_backend_pid()")
        core.run_sql("select set_config('test.kill_at', %s, false)", str(statement))
        try:
            call(core)
        except psycopg.errors.AdminShutdown:
            pass
        else:
            return False
    with connect(dsn) as other:
        gone = "select not exists (select from pg_stat_activity where pid = %s)"
        eventually(lambda: Core(other).value(gone, pid))
    return True
