"""Many workers on many random flows at once: claiming, completing, failing, dying, recovering."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from random import Random
from typing import Any
from uuid import UUID

import psycopg
from psycopg.types.json import Jsonb

from pgflow_runtime.testing.engine.companions import Companions, EndRule, UndoRule
from pgflow_runtime.testing.engine.model import Step
from tests.support.batch import again, claim, complete, fail, register, release
from tests.support.core import Core, Row, connect
from tests.support.invariants import violations
from tests.support.random_flows import (
    FUTURE,
    PAST,
    define,
    random_family,
    random_flow,
    random_input,
    random_output,
)
from tests.support.steps_that_wait import send, send_all, send_by_key
from tests.support.undo_flows import assert_undone, options_of, undo_steps
from tests.support.undo_flows import define as define_companions

CONNECTIONS = 8
OPEN_RUNS = (2, 10, 60)  # no more runs are started while so many are open: few make sessions meet


@dataclass
class Plan:
    """What all workers share."""

    dsn: str
    seed: int
    flows: dict[str, list[Step]]
    companions: dict[str, Companions]
    """Of flows that have some."""
    open_runs: int
    prunes: bool
    deadline: float
    actions: Counter[str] = field(default_factory=Counter)
    stop: threading.Event = field(default_factory=threading.Event)

    @property
    def started(self) -> list[str]:
        """The flows that somebody starts: companions start by themselves."""
        return [flow for flow in self.flows if "__" not in flow]

    @property
    def over(self) -> bool:
        return self.stop.is_set() or time.monotonic() > self.deadline


class Worker:
    """A worker process as the core sees it: registered, with tasks in hand, doing random things."""

    def __init__(self, plan: Plan, number: int) -> None:
        self.plan = plan
        self.random = Random(plan.seed * 1000 + number)
        self.core = Core(connect(plan.dsn))
        self.ids: dict[str, UUID] = {}
        self.hand: list[Row] = []
        self.past: list[Row] = []  # tasks it has finished or lost, for late calls
        self.register()

    def register(self) -> None:
        # nobody sends heartbeats here, and pruning removes workers that are not heard of, at once if need be
        with self.core.connection.transaction():
            self.ids = {flow: register(self.core, flow) for flow in self.plan.flows}
            self.core.run_sql(
                "update pgflow.workers set last_heartbeat_at = now() + interval '1 day' "
                "where worker_id = any(%s)",
                list(self.ids.values()),
            )

    def run(self) -> None:
        actions: list[tuple[int, Callable[[], None]]] = [
            (4, self.start),
            (12, self.claim),
            (16, self.complete),
            (6, self.fail),
            (4, self.again),
            (1, self.release),
            (1, self.late),
            (2, self.one_task),
            (1, self.die),
            (1, self.recover),
            (1, self.wait),
            (1, self.cancel),
            (1, self.hold),
            (2, self.let_go),
            (1, self.pause),
            (1, self.pass_time),
            (2, self.fire),
            (1, self.time_out),
            (4, self.send),
            (1, self.send_by_key),
            (1, self.retry),
            (1, self.fork),
            (1, self.where),
            (1 if self.plan.prunes else 0, self.prune),
        ]
        weights = [weight for weight, _ in actions]
        try:
            while not self.plan.over:
                action = self.random.choices(actions, weights)[0][1]
                action()
                self.plan.actions[action.__name__] += 1
            self.die()
        except BaseException:
            self.plan.stop.set()
            raise
        finally:
            self.core.connection.close()

    # -- what it does --------------------------------------------------------------------------------------

    def start(self) -> None:
        if (
            self.core.value("select count(*) from pgflow.runs where status = 'started'")
            >= self.plan.open_runs
        ):
            return
        flow = self.random.choice(self.plan.started)
        steps = self.plan.flows[flow]
        inputs = [Jsonb(random_input(self.random, steps)) for _ in range(self.random.randint(1, 4))]
        options = Jsonb(self.random.choice(({}, {}, {"begins_at": FUTURE})))
        self.core.rows("select * from pgflow.start_flows(%s, %s, options => %s)", flow, inputs, options)

    def claim(self) -> None:
        flows = self.random.sample(list(self.ids), self.random.randint(1, len(self.ids)))
        pairs = [(self.ids[flow], flow) for flow in flows]
        self.hand += claim(self.core, *pairs, max_tasks=self.random.randint(1, 12))

    def take(self) -> list[Row]:
        """Some of the tasks in hand, in any order."""
        chosen = self.random.sample(self.hand, self.random.randint(0, len(self.hand)))
        gone = {id(task) for task in chosen}
        self.hand = [task for task in self.hand if id(task) not in gone]
        self.past = (self.past + chosen)[-50:]
        return chosen

    def output(self, task: Row) -> Any:
        return output_of(self.random, self.plan.flows, task)

    def complete(self) -> None:
        tasks = self.take()
        rows = complete(
            self.core,
            tasks,
            [self.output(task) for task in tasks],
            hand_over=self.random.choice((0, 0, 1, 10)),
        )
        self.hand += [row for row in rows if row.outcome == "claimed"]
        self.count(rows)

    def fail(self) -> None:
        tasks = self.take()
        after = [self.random.choice((0, 0, 60)) for _ in tasks]
        self.count(fail(self.core, tasks, retry_after=after))

    def again(self) -> None:
        """Loops go round; other tasks stay in hand."""
        loops = {(flow, s.slug) for flow, steps in self.plan.flows.items() for s in steps if s.max_rounds}
        tasks = self.take()
        self.hand += [task for task in tasks if (task.flow_slug, task.step_slug) not in loops]
        tasks = [task for task in tasks if (task.flow_slug, task.step_slug) in loops]
        delays = [self.random.choice((None, 0, 50, 60_000)) for _ in tasks]
        rows = again(self.core, tasks, [1] * len(tasks), delays, hand_over=self.random.choice((0, 1, 10)))
        self.hand += [row for row in rows if row.outcome == "claimed"]
        self.count(rows)

    def release(self) -> None:
        release(self.core, self.take())

    def late(self) -> None:
        """Calls for tasks that went elsewhere long ago: the fence must hold."""
        if self.past:
            tasks = self.random.sample(self.past, self.random.randint(1, len(self.past)))
            if self.random.random() < 0.5:
                self.count(complete(self.core, tasks, [[] for _ in tasks]))
            else:
                self.count(fail(self.core, tasks))

    def one_task(self) -> None:
        """The functions of one task, as outside workers call them."""
        flow = self.random.choice(list(self.ids))
        for task in self.core.start_tasks(flow, self.core.read(flow, 3), self.ids[flow]):
            if self.random.random() < 0.8:
                self.core.complete_task(task.run_id, task.step_slug, task.task_index, self.output(task))
            else:
                self.core.fail_task(task.run_id, task.step_slug, task.task_index)

    def die(self) -> None:
        """End without a word about the tasks in hand; somebody else recovers them."""
        # where rows are pruned at once, a silent worker's goes before anybody has recovered its tasks
        if self.plan.prunes or self.random.random() < 0.5:
            for worker in self.ids.values():
                self.core.run_sql("select pgflow.mark_worker_stopped(%s)", worker)
        else:
            self.fall_silent()
        self.past += self.hand
        self.hand = []
        if not self.plan.over:
            self.register()

    def fall_silent(self) -> None:
        """As if the last sign of life, and the last start of a task, were half a minute old."""
        fall_silent(self.core, list(self.ids.values()))

    def recover(self) -> None:
        function = self.random.choice(("recover_stalled_tasks", "requeue_stalled_tasks"))
        self.core.run_sql(f"select pgflow.{function}()")

    def wait(self) -> None:
        """Announce idleness and watch runs, or stop doing so: what changes states then notifies."""
        workers, runs = list(self.ids.values()), list({task.run_id for task in self.past[-5:]})
        if self.random.random() < 0.5:
            self.core.run_sql("select pgflow.announce_idle(%s, 2)", workers)
            self.core.run_sql("select pgflow.watch_runs(%s, %s::uuid[], 2)", workers[0], runs)
        else:
            self.core.run_sql("select pgflow.withdraw_idle(%s)", workers)
            self.core.run_sql("select pgflow.unwatch_runs(%s, %s::uuid[])", workers[0], runs)

    def some_runs(self, *statuses: str) -> list[UUID]:
        """A few runs that were in one of these statuses a moment ago."""
        query = "select run_id from pgflow.runs where status = any(%s) order by random() limit %s"
        return [row.run_id for row in self.core.rows(query, list(statuses), self.random.randint(1, 4))]

    def hold(self) -> None:
        rows = self.core.call("hold_runs", run_ids=self.some_runs("started"))
        self.plan.actions.update(row.outcome for row in rows)

    def let_go(self) -> None:
        query = (
            "select run_id from pgflow.runs where held_at is not null and status = 'started'"
            " order by random() limit %s"
        )
        held = [row.run_id for row in self.core.rows(query, self.random.randint(1, 8))]
        rows = self.core.call("release_runs", run_ids=held)
        self.plan.actions.update(row.outcome for row in rows)

    def pause(self) -> None:
        """Pause a flow, or resume one: mostly the latter."""
        flow = self.random.choice(list(self.ids))
        function = self.random.choices(("pause_flow", "resume_flow"), (1, 4))[0]
        self.core.run_sql(f"select pgflow.{function}(%s)", flow)

    def pass_time(self) -> None:
        """Some tasks, steps and runs that wait have waited for long enough."""
        self.core.run_sql(
            """update pgflow.timers t set due_at = clock_timestamp() where t.timer_id = any(array(
                 select l.timer_id from pgflow.timers l where l.kind <> 'run_timeout'
                 order by random() limit %s
                 for update skip locked))""",
            self.random.randint(1, 20),
        )

    def send(self) -> None:
        """Signals to steps that wait, or to any of the same runs."""
        rows = self.core.rows(
            """select w.run_id, case when random() < 0.7 then w.step_slug else s.step_slug end as step_slug
               from pgflow.waiting_signals w join pgflow.steps s using (flow_slug)
               where s.kind = 'signal' order by random() limit %s""",
            self.random.randint(1, 10),
        )
        marks = [self.random.choice((None, None, "a", "b")) for _ in rows]
        if rows:
            sent = [(row.run_id, row.step_slug, [1, 2], mark) for row, mark in zip(rows, marks, strict=True)]
            self.plan.actions.update(f"signal {outcome}" for outcome in send_all(self.core, *sent))

    def send_by_key(self) -> None:
        flow = self.random.choice(list(self.plan.flows))
        slugs = [step.slug for step in self.plan.flows[flow] if step.wait and step.wait.what == "signal"]
        if slugs:
            key = self.random.choice((PAST, FUTURE, "5", "never"))
            outcomes = send_by_key(self.core, flow, self.random.choice(slugs), key, [3])
            self.plan.actions.update(f"keyed signal {outcome}" for outcome in outcomes.values())

    def time_out(self) -> None:
        """The time of one run is over, if it has any."""
        self.core.run_sql(
            """update pgflow.timers t set due_at = clock_timestamp() where t.timer_id = any(array(
                 select l.timer_id from pgflow.timers l where l.kind = 'run_timeout' order by random() limit 1
                 for update skip locked))"""
        )

    def fire(self) -> None:
        row = self.core.row("select * from pgflow.fire_timers(%s)", self.random.choice((1, 5, 100)))
        assert row.failed_count == 0, (
            self.core.rows("select * from pgflow.timers where failures > 0"),
            self.core.rows("select * from pgflow.ended_children where failures > 0"),
        )
        self.plan.actions["fired"] += row.fired_count

    def cancel(self) -> None:
        chosen = self.some_runs("started", "completed")
        rows = self.core.call("cancel_runs", run_ids=chosen, reason="no longer wanted")
        self.plan.actions.update(row.outcome for row in rows)

    def retry(self) -> None:
        chosen = self.some_runs("failed", "cancelled")
        spread = self.random.choice((0.0, 0.0, 0.5, 60.0))
        options = Jsonb(self.random.choice(({}, {"even_if_undone": True})))
        rows = self.core.call("retry_runs", run_ids=chosen, spread=spread, options=options)
        self.plan.actions.update(row.outcome for row in rows)

    def fork(self) -> None:
        """Start a run again from one of its steps, unless enough are open, or it is pruned meanwhile."""
        chosen = self.some_runs("started", "completed", "failed", "cancelled")[:1]
        open_runs = self.core.value("select count(*) from pgflow.runs where status = 'started'")
        if not chosen or open_runs >= self.plan.open_runs:
            return
        flow = self.core.rows("select flow_slug from pgflow.runs where run_id = %s", chosen[0])
        slugs = [
            step.slug for row in flow if "__" not in row.flow_slug for step in self.plan.flows[row.flow_slug]
        ]
        try:
            if slugs:
                self.core.call("fork_run", run_id=chosen[0], from_steps=[self.random.choice(slugs)])
        except psycopg.Error as error:
            is_undone = error.sqlstate == "PF011" and "the run undoes what they did" in str(error)
            if not is_undone and not (self.plan.prunes and error.sqlstate == "PF008"):
                raise

    def where(self) -> None:
        """A page of whatever fits: the same as with ids, in the order of these."""
        action = self.random.choices(("cancel", "retry", "hold", "release"), (1, 1, 1, 4))[0]
        filter = self.random.choice(({}, {"flow": self.random.choice(list(self.plan.flows))}))
        self.core.call(f"{action}_runs_where", filter=Jsonb(filter), max_runs=self.random.randint(1, 5))

    def prune(self) -> None:
        """Remove runs that have only just ended, while others may still call back for their tasks."""
        self.core.run_sql("select pgflow.prune_batch(interval '100 milliseconds', 3)")

    def count(self, rows: list[Row]) -> None:
        self.plan.actions.update(f"{row.outcome}" for row in rows)


def output_of(random: Random, flows: dict[str, list[Step]], task: Row) -> Any:
    """What a task gives: of a subflow the input of its child."""
    (step,) = (each for each in flows[task.flow_slug] if each.slug == task.step_slug)
    if step.subflow is not None and step.subflow.slug in flows:
        return random_input(random, flows[step.subflow.slug])
    return random_output(random, flows[task.flow_slug], task.step_slug)


def fall_silent(core: Core, worker_ids: list[UUID]) -> None:
    """As if the last sign of life of these workers, and the last start of a task, were half a minute old."""
    core.run_sql(
        """update pgflow.step_tasks set queued_at = queued_at - interval '31 seconds',
             started_at = started_at - interval '31 seconds'
           where last_worker_id = any(%s) and status = 'started'""",
        worker_ids,
    )
    core.run_sql(
        "update pgflow.workers set last_heartbeat_at = now() - interval '31 seconds'"
        " where worker_id = any(%s)",
        worker_ids,
    )


def check_soundness(plan: Plan) -> None:
    """Look at one committed state after the other while the workers are at it."""
    with connect(plan.dsn, autocommit=False) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        core = Core(connection)
        while not plan.over:
            found = violations(core, events=False)
            connection.rollback()
            if found:
                plan.stop.set()
                raise AssertionError("\n".join(" | ".join(row) for row in found[:20]))
            plan.actions["states looked at"] += 1
            plan.stop.wait(0.2)


def drain(core: Core, plan: Plan) -> None:
    """Work everything off; every run must come to its end within as many rounds as there are tasks."""
    random = Random(plan.seed)
    # a late call of a silent worker is a sign of life: it would be judged dead half a minute later only
    fall_silent(core, [row.worker_id for row in core.rows("select worker_id from pgflow.workers")])
    for _ in range(2000):
        core.run_sql("select pgflow.recover_stalled_tasks()")
        is_open = "select exists (select from pgflow.runs where status = 'started')"
        is_due = "select exists (select from pgflow.timers where kind = 'companions')"
        if not core.value(is_open) and not core.value(is_due):
            return
        core.run_sql(
            "select pgflow.release_runs(array("
            "select run_id from pgflow.runs where held_at is not null limit 1000))"
        )
        core.run_sql("update pgflow.timers set due_at = clock_timestamp() where kind <> 'run_timeout'")
        for row in core.rows("select run_id, step_slug from pgflow.waiting_signals"):
            assert send(core, row.run_id, row.step_slug, []) in ("taken", "late")
        core.run_sql("select pgflow.fire_timers(1000)")
        for flow in plan.flows:
            core.run_sql("select pgflow.resume_flow(%s)", flow)
            core.run_sql(
                f"update pgmq.q_{flow} q set vt = now() from pgflow.step_tasks t "
                f"where t.flow_slug = '{flow}' and t.message_id = q.msg_id and t.status = 'queued'"
            )
        workers = [(register(core, flow), flow) for flow in plan.flows]
        tasks = claim(core, *workers, max_tasks=500)
        complete(core, tasks, [output_of(random, plan.flows, task) for task in tasks])
    left = core.rows("select run_id, flow_slug from pgflow.runs where status = 'started'")
    raise AssertionError(f"{len(left)} runs do not end: {left[:3]}")


def with_undos(core: Core, random: Random, flow: str, steps: list[Step]) -> Companions:
    """Steps of a flow that are undone where its runs end badly, and an end."""
    undone = {
        step.slug: UndoRule(f"un_{step.slug}", random.choice(("completed", "started")))
        for step in steps
        if random.random() < 0.8 or step is steps[0]
    }
    companions = Companions(
        undo=f"{flow}__undo",
        undone=undone,
        reads=(steps[-1].slug,),
        ends={f"{flow}__end_tell": EndRule("always", (steps[0].slug,), True)},
    )
    (row,) = core.rows("select options from pgflow.flows where flow_slug = %s", flow)
    core.call("alter_flow", flow_slug=flow, base_delay=0, options=Jsonb(row.options | options_of(companions)))
    maps = [step.slug for step in steps if step.kind == "map"]
    define_companions(core, flow, companions, {step.slug: step.deps for step in steps}, maps)
    return companions


def count_undone(core: Core, plan: Plan) -> int:
    """How many tasks were undone: each that had to be once, in order."""
    count = 0
    for flow, companions in plan.companions.items():
        deps = {step.slug: step.deps for step in plan.flows[flow]}
        for row in core.rows("select run_id from pgflow.runs where flow_slug = %s", flow):
            count += assert_undone(core, companions, deps, row.run_id)
    return count


def prunes(seed: int) -> bool:
    """Whether runs are pruned while the workers are at it (their events are left without runs then)."""
    return seed % 4 == 3


def stress(dsn: str, seed: int, seconds: float) -> Counter[str]:
    """Let the workers at it for some seconds, then work off what is left; returns how often what was done."""
    random = Random(seed)
    waits = 0.6 if seed % 2 else None  # so that signals, timers, cancels and starts meet
    flows = {f"flow{number}": random_flow(random, most=12, waits=waits) for number in range(2)}
    flows |= random_family(random, most=8)
    with connect(dsn) as connection:
        core = Core(connection)
        for slug, steps in flows.items():
            define(core, slug, steps, run_timeout=random.choice((None, 3600)))
        companions = {slug: with_undos(core, random, slug, flows[slug]) for slug in ("flow1", "g")}
        for slug, undos in companions.items():
            maps = [step.slug for step in flows[slug] if step.kind == "map"]
            deps = {step.slug: step.deps for step in flows[slug]}
            flows |= {f"{slug}__undo": undo_steps(undos, deps, maps), f"{slug}__end_tell": [Step("handler")]}
        open_runs = OPEN_RUNS[seed % len(OPEN_RUNS)]
        plan = Plan(dsn, seed, flows, companions, open_runs, prunes(seed), time.monotonic() + seconds)
        with ThreadPoolExecutor(max_workers=CONNECTIONS + 1) as threads:
            workers = [Worker(plan, number) for number in range(CONNECTIONS)]
            futures = [threads.submit(worker.run) for worker in workers]
            futures.append(threads.submit(check_soundness, plan))
        for future in futures:
            future.result()
        drain(core, plan)
        if not plan.prunes:
            plan.actions["undone"] += count_undone(core, plan)
    return plan.actions
