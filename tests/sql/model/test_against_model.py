"""Random flows, worked on in random order, against a model of the state machine in plain Python.

`--model-flows N` compares more flows, `--model-seed N` others. A failure names the seed of its flow.
"""

from __future__ import annotations

from random import Random
from typing import TypeAlias
from uuid import UUID, uuid4

import pytest
from psycopg.types.json import Jsonb

from pgflow_runtime.testing.engine.children import Children
from pgflow_runtime.testing.engine.model import Run, State, Step, contains
from pgflow_runtime.testing.engine.waits import at_path
from tests.support.batch import again, complete, fail, register, release
from tests.support.core import Core, Json, Row
from tests.support.invariants import assert_sound, install
from tests.support.random_flows import (
    FUTURE,
    PAST,
    define,
    random_family,
    random_flow,
    random_input,
    random_output,
    random_value,
)
from tests.support.steps_that_wait import send_all, send_by_key
from tests.support.timers import fire

BATCH = 20  # flows a test


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "seeds" in metafunc.fixturenames:
        first, count = metafunc.config.getoption("--model-seed"), metafunc.config.getoption("--model-flows")
        ranges = [range(n, min(n + BATCH, first + count)) for n in range(first, first + count, BATCH)]
        metafunc.parametrize("seeds", ranges, ids=[f"{seeds[0]}-{seeds[-1]}" for seeds in ranges])


def test_flows(core: Core, seeds: range) -> None:
    install(core)
    for seed in seeds:
        with core.connection.transaction(force_rollback=True):
            try:
                Comparison(core, seed).work()
            except Exception as error:
                raise AssertionError(f"seed {seed}: {error}") from error


Key: TypeAlias = tuple[UUID, str, int]  # a task: run, step, index


class Comparison:
    """Some runs of one flow in the database and in the model; after each call both must be the same."""

    def __init__(self, core: Core, seed: int) -> None:
        self.core = core
        self.random = Random(seed)
        has_children = self.random.random() < 0.4
        most = self.random.choice((5, 15))
        self.flows = (
            random_family(self.random, most=most) if has_children else {"f": random_flow(self.random)}
        )
        self.steps = self.flows["f"]
        self.run_timeout = self.random.choice((None, 3600))
        for slug, steps in self.flows.items():
            define(core, slug, steps, run_timeout=self.run_timeout if slug == "f" else None)
        self.workers = {slug: register(core, slug) for slug in self.flows}
        self.victims = {slug: [uuid4() for _ in range(5)] for slug in self.flows}
        self.fenced = self.random.random() < 0.6  # the set-based functions instead of those of one task
        self.trouble = self.random.choice((0.0, 0.1, 0.4))
        self.cancels = self.random.choice((0.0, 0.0, 0.05, 0.3))
        self.holds = self.random.choice((0.0, 0.0, 0.05, 0.3))
        self.time_outs = self.random.choice((0.0, 0.0, 0.02, 0.2)) if self.run_timeout else 0.0
        self.late_loops = self.random.choice((0.0, 0.0, 0.1))
        self.retries = self.random.choice((0, 0, 1, 4))
        self.forks = self.random.choice((0, 0, 1, 3))
        self.starts_later = self.random.random() < 0.2
        self.old: list[Row] = []  # claims of before a retry
        self.log: list[str] = []
        self.models = self.start_runs()
        self.compare()

    def work(self) -> None:
        for _ in range(1000):
            queued, started = self.tasks("queued"), self.tasks("started")
            waiting = self.waiting("time") + self.waiting("round")
            loops = self.loops()
            resting, families = self.resting(), self.families()
            is_over = not queued and not started and not waiting and not resting and not families
            if self.retries and self.random.random() < (0.8 if is_over else 0.1):
                self.retry()
            elif self.forks and self.random.random() < 0.1:
                self.fork()
            elif is_over:
                if not self.waiting("hold"):
                    break
                self.let_go(list(self.models))
            elif families and (not (queued or started) or self.random.random() < 0.3):
                self.pass_on(self.random.sample(families, self.random.randint(1, len(families))))
            elif self.random.random() < self.cancels:
                self.cancel()
            elif self.random.random() < self.holds:
                self.hold()
            elif self.random.random() < self.time_outs:
                self.time_out()
            elif resting and (not (queued or started or waiting) or self.random.random() < 0.3):
                if self.random.random() < 0.5:
                    self.send()
                else:
                    self.end_rest(resting)
            elif self.random.random() < 0.05:
                self.random.choice((self.send, self.send_by_key))()
            elif loops and self.random.random() < self.late_loops:
                self.end_loops(loops)
            elif waiting and (not (queued or started) or self.random.random() < 0.3):
                self.wake(waiting)
            elif queued and (not started or self.random.random() < 0.5):
                self.start(queued)
            else:
                self.finish(started)
            self.compare()
        ends = {"completed", "failed", "cancelled"}
        assert {model.status for model in self.models.values()} <= ends, "a run does not end"
        self.late_calls()
        self.compare()
        for run_id, model in self.models.items():
            self.compare_events(run_id, model)
        if not any(model.open_ended for model in self.models.values()):
            assert_sound(self.core)

    def tasks(self, status: str) -> list[Key]:
        return [(run, slug, index) for run, m in self.models.items() for slug, index in m.tasks(status)]

    # -- the same call to both -----------------------------------------------------------------------------

    def start_runs(self) -> dict[UUID, Run]:
        inputs = [random_input(self.random, self.steps) for _ in range(self.random.choice((1, 2, 4)))]
        self.log.append(f"start {inputs}")
        if self.fenced:
            wrapped = [Jsonb(value) for value in inputs]
            options = Jsonb({"begins_at": FUTURE} if self.starts_later else {})
            rows = self.core.rows(
                "select * from pgflow.start_flows('f', %s, options => %s)", wrapped, options
            )
        else:
            rows = [self.core.start_flow("f", value) for value in inputs]
        assert [row.input for row in rows] == inputs
        has_begun = not (self.fenced and self.starts_later)
        models = {
            row.run_id: Run(self.steps, value, has_begun=has_begun, flow="f", children=Children(self.flows))
            for row, value in zip(rows, inputs, strict=True)
        }
        for run_id, model in models.items():
            model.id = run_id
        return models

    def start(self, queued: list[Key]) -> None:
        chosen = self.random.sample(queued, self.random.randint(1, len(queued)))
        self.log.append(f"start tasks {chosen}")
        rows = []
        for flow, worker in self.workers.items():
            mine = [key for key in chosen if self.models[key[0]].flow == flow]
            rows += self.core.start_tasks(flow, [self.core.task(*key).message_id for key in mine], worker)
        assert {key_of(row) for row in rows} == set(chosen), self.log
        for row in rows:
            self.started(row)

    def started(self, row: Row) -> None:
        """A worker was given this task: with the right input, and the model starts it too."""
        model = self.models[row.run_id]
        expected = model.task_input(row.step_slug, row.task_index)
        assert (row.input, row.flow_input) == expected, (key_of(row), self.log)
        inputs = self.core.call("get_step_inputs", run_ids=[row.run_id], step_slugs=[row.step_slug])
        assert [one.input for one in inputs] == [model.step_input(row.step_slug)], (key_of(row), self.log)
        task = model.states[row.step_slug].tasks[row.task_index]
        if hasattr(row, "state"):
            assert (row.state, row.round or 1) == (task.state, task.round), (key_of(row), self.log)
        model.start(row.step_slug, row.task_index)

    def finish(self, started: list[Key]) -> None:
        chosen = self.choose(started)
        choice = self.random.random()
        loops = [key for key in chosen if self.models[key[0]].steps[key[1]].max_rounds is not None]
        if loops and self.random.random() < 0.6:
            self.again(one_of_each_run(loops))
        elif choice < self.trouble:
            self.fail(one_of_each_run(chosen))
        elif choice < self.trouble + 0.05:
            self.log.append(f"release {chosen}")
            assert release(self.core, [self.claim(key) for key in chosen]) == len(chosen)
            for run_id, slug, index in chosen:
                self.models[run_id].release(slug, index)
        elif choice < self.trouble + 0.15:
            self.lose(one_of_each_run(chosen))
        elif self.random.random() < 0.5 or any(self.may_be_refused(key) for key in chosen):
            self.complete(one_of_each_run(chosen), violate=0.05)
        else:
            self.complete(chosen, violate=0.0)

    def choose(self, started: list[Key]) -> list[Key]:
        """Some tasks for one call of a set-based function, one for the functions of one task."""
        most = len(started) if self.fenced else 1
        return self.random.sample(started, self.random.randint(1, most))

    def complete(self, chosen: list[Key], *, violate: float) -> None:
        """One call for several tasks does what calls one by one do (unless their run fails by it)."""
        outputs = [self.output(key, violate) for key in chosen]
        hand_over = self.random.choice((0, 0, 1, 100)) if self.fenced else 0
        self.log.append(f"complete {list(zip(chosen, outputs, strict=True))}, hand over {hand_over}")
        rows: list[Row] = []
        if self.fenced:
            claims = [self.claim(key) for key in chosen]
            rows = complete(self.core, claims, outputs, hand_over=hand_over)
        else:
            (key,), (output,) = chosen, outputs
            assert len(self.core.complete_task(*key, output)) == 1
        before = {run_id: list(model.queue) for run_id, model in self.models.items()}
        for (run_id, slug, index), output in zip(chosen, outputs, strict=True):
            self.models[run_id].complete(slug, index, output)
        new: list[Key] = []
        refused = {row.run_id for row in rows if row.outcome not in ("claimed", "due")}
        for run_id, model in self.models.items():
            # what one call starts is sent in order of the slugs
            added = sorted(message for message in model.queue if message not in before[run_id])
            model.queue = [message for message in model.queue if message in before[run_id]] + added
            if run_id not in refused:  # what goes on after a failure is handed to nobody
                new += [(run_id, *message) for message in added]
            if len([key for key in chosen if key[0] == run_id]) > 1:
                model.open_ended |= model.status == "failed"
        if any(self.models[run_id].is_held for run_id, _, _ in chosen):
            hand_over = 0
        self.check_handed_over([row for row in rows if row.outcome == "claimed"], new, hand_over)

    def output(self, key: Key, violate: float) -> Json:
        """Of a subflow, the input of its child."""
        model, slug = self.models[key[0]], key[1]
        subflow = model.steps[slug].subflow
        if subflow is not None and subflow.slug in self.flows and self.random.random() >= violate:
            return random_input(self.random, self.flows[subflow.slug])
        return random_output(self.random, self.flows[model.flow], slug, violate=violate)

    def may_be_refused(self, key: Key) -> bool:
        """Whether the task may fail for want of a child."""
        model = self.models[key[0]]
        subflow = model.steps[key[1]].subflow
        return subflow is not None and (subflow.slug not in self.flows or subflow.max_depth is not None)

    def again(self, chosen: list[Key]) -> None:
        """Rounds of loops end, in one call."""
        states = [random_value(self.random) for _ in chosen]
        delays = [self.random.choice((None, 0, 0, 3_000, 10_001, 4_000_000)) for _ in chosen]
        hand_over = self.random.choice((0, 1, 100))
        self.log.append(f"again {chosen}: {states}, after {delays} ms, hand over {hand_over}")
        claims = [self.claim(key) for key in chosen]
        rows = again(self.core, claims, states, delays, hand_over=hand_over)
        may_be_handed: list[Key] = []
        for (run_id, slug, index), state, delay in zip(chosen, states, delays, strict=True):
            model = self.models[run_id]
            model.again(slug, index, state, waits=(delay or 0) > 10_000)
            if not delay and not model.is_held and (slug, index) in model.tasks("queued"):
                may_be_handed.append((run_id, slug, index))
        claimed = [row for row in rows if row.outcome == "claimed"]
        assert [key_of(row) for row in claimed] == may_be_handed[:hand_over], self.log
        for row in claimed:
            self.started(row)

    def check_handed_over(self, rows: list[Row], new: list[Key], hand_over: int) -> None:
        keys = [key_of(row) for row in rows]
        assert len(keys) == len(set(keys)) == min(hand_over, len(new)), (keys, new, self.log)
        assert set(keys) <= set(new), (keys, new, self.log)
        for row in rows:
            assert row.attempt == 1
            wanted_anyway = (
                row.flow_input is not None and not self.models[row.run_id].steps[row.step_slug].deps
            )
            assert row.flow_input is None or wanted_anyway
            self.started(row)

    def fail(self, chosen: list[Key]) -> None:
        messages = [f"boom {len(self.log)} {number}" for number in range(len(chosen))]
        after = [self.random.choice((None, 0, 10, 11, 4000)) if self.fenced else None for _ in chosen]
        self.log.append(f"fail {chosen}: {messages}, again after {after}")
        if self.fenced:
            claims = [self.claim(key) for key in chosen]
            rows = fail(self.core, claims, messages, retry_after=after)
            assert sum(row.outcome != "due" for row in rows) == len(chosen)
        else:
            assert len(self.core.fail_task(*chosen[0], messages[0])) == 1
        for (run_id, slug, index), message, seconds in zip(chosen, messages, after, strict=True):
            self.models[run_id].fail(slug, index, message, waits=(seconds or 0) > 10)

    def lose(self, chosen: list[Key]) -> None:
        """A worker dies with these tasks; it may be one that has died, and come back, before."""
        flow = self.models[chosen[0][0]].flow
        chosen = [key for key in chosen if self.models[key[0]].flow == flow]
        victim = self.random.choice(self.victims[flow])
        self.log.append(f"worker {victim} dies with {chosen}")
        register_as = {"worker_id": victim, "queue_name": flow, "function_name": "victim"}
        self.core.call("register_worker", **register_as)
        for key in chosen:
            self.core.run_sql(
                """update pgflow.step_tasks
                   set last_worker_id = %s, queued_at = now() - interval '31 seconds',
                     started_at = now() - interval '31 seconds'
                   where run_id = %s and step_slug = %s and task_index = %s""",
                victim,
                *key,
            )
        silent = (
            "update pgflow.workers set last_heartbeat_at = now() - interval '31 seconds' where worker_id = %s"
        )
        self.core.run_sql(silent, victim)
        self.core.call("heartbeat_workers", worker_ids=list(self.workers.values()))
        before = sum(self.requeued())
        count = self.core.value("select pgflow.recover_stalled_tasks()")
        for run_id, slug, index in chosen:
            self.models[run_id].lose(slug, index, victim)
        assert count == sum(self.requeued()) - before, self.log

    def waiting(self, what: str) -> list[Key]:
        return [(run, slug, index) for run, m in self.models.items() for slug, index in m.waiting(what)]

    def hold(self) -> None:
        """Some runs are held or released, also such as have ended and one that never was."""
        chosen = self.random.sample(list(self.models), self.random.randint(1, len(self.models)))
        if self.random.random() < 0.5:
            self.let_go(chosen)
            return
        self.log.append(f"hold {chosen}")
        nobody = uuid4()
        rows = self.core.call("hold_runs", run_ids=[*chosen, nobody])
        wanted = {run_id: self.models[run_id].hold() for run_id in chosen}
        assert {row.run_id: row.outcome for row in rows} == wanted | {nobody: "no_such_run"}, self.log

    def let_go(self, chosen: list[UUID]) -> None:
        self.log.append(f"release {chosen}")
        rows = self.core.call("release_runs", run_ids=chosen)
        wanted = {run_id: self.models[run_id].let_go() for run_id in chosen}
        assert {row.run_id: row.outcome for row in rows} == wanted, self.log

    def wake(self, waiting: list[Key]) -> None:
        """Some timers fall due, one after the other, and are fired in one call."""
        chosen = self.random.sample(waiting, self.random.randint(1, len(waiting)))
        self.log.append(f"time passes for {chosen}")
        for run_id, slug, index in chosen:
            self.core.run_sql(
                """update pgflow.timers set due_at = clock_timestamp()
                   where run_id = %s and step_slug = %s and task_index = %s and kind = 'wait'""",
                run_id,
                slug,
                index,
            )
        assert fire(self.core).fired_count == len(chosen), self.log
        for run_id, slug, index in chosen:
            self.models[run_id].wake(slug, index)

    def resting(self) -> list[tuple[UUID, str, str | None]]:
        """What only time or others can move on: (run, kind of its timer, step)."""
        rows = self.core.rows(
            """select run_id, kind, step_slug from pgflow.timers
               where kind in ('sleep', 'deadline', 'begin') and task_index is null
               union all
               select run_id, 'signal', step_slug from pgflow.waiting_signals where deadline_at is null
               order by 1, 2, 3"""
        )
        wanted = [
            (run_id, kind, slug)
            for run_id, model in self.models.items()
            for kind, slugs in (
                ("begin", [None] if not model.has_begun and model.status == "started" else []),
                ("sleep", model.waits("sleep")),
                ("deadline", [slug for slug in model.waits("signal") if model.states[slug].due]),
                ("signal", [slug for slug in model.waits("signal") if not model.states[slug].due]),
            )
            for slug in slugs
        ]
        assert sorted(map(str, wanted)) == sorted(str(tuple(row)) for row in rows), self.log
        return sorted(wanted, key=str)

    def end_rest(self, resting: list[tuple[UUID, str, str | None]]) -> None:
        """Some of these timers fall due, and are fired in one call."""
        timed = [one for one in resting if one[1] != "signal"]
        chosen = self.random.sample(timed, self.random.randint(1, len(timed))) if timed else []
        self.log.append(f"time passes for {chosen}")
        for run_id, kind, slug in chosen:
            self.core.run_sql(
                """update pgflow.timers set due_at = clock_timestamp()
                   where run_id = %s and kind = %s and step_slug is not distinct from %s""",
                run_id,
                kind,
                slug,
            )
        assert fire(self.core).fired_count == len(chosen), self.log
        for run_id, model in self.models.items():
            due = {kind: [s for r, k, s in chosen if (r, k) == (run_id, kind)] for _, kind, _ in chosen}
            if due.get("begin"):
                model.begin()
            if due.get("deadline"):
                model.expire(slug for slug in due["deadline"] if slug)
            if due.get("sleep"):
                model.end_sleeps(slug for slug in due["sleep"] if slug)

    def families(self) -> list[UUID]:
        """Runs that have to hear of a child, or to see to their children."""
        waiting = {
            row.run_id
            for row in self.core.rows(
                """select run_id from pgflow.timers where kind in ('cancel_children', 'retry_children')
                   union select run_id from pgflow.ended_children"""
            )
        }
        wanted = {
            run_id
            for run_id, model in self.models.items()
            if model.children.ended or model.children.are_left or model.children.are_wanted
        }
        assert waiting == wanted, self.log
        return sorted(wanted)

    def pass_on(self, parents: list[UUID]) -> None:
        """One thing that some of them have to do about their children."""
        what = self.random.choice(("ended", "cancel_children", "retry_children"))
        self.log.append(f"{what} of {parents}")
        if what == "ended":
            for run_id in parents:
                children = self.models[run_id].children
                if not children.ended:
                    continue
                key = self.random.choice(children.ended)
                self.core.run_sql(
                    """update pgflow.ended_children set due_at = clock_timestamp()
                       where run_id = %s and (step_slug, task_index, attempt) = (%s, %s, %s)""",
                    run_id,
                    *key,
                )
                fire(self.core)
                for _ in range(children.ended.count(key)):
                    self.models[run_id].hear(key)
            return
        self.core.run_sql(
            "update pgflow.timers set due_at = clock_timestamp() where run_id = any(%s) and kind = %s",
            parents,
            what,
        )
        fire(self.core)
        for run_id in parents:
            children = self.models[run_id].children
            if what == "cancel_children" and children.are_left:
                self.models[run_id].cancel_left()
            elif what == "retry_children" and children.are_wanted:
                self.models[run_id].retry_wanted()

    def adopt(self) -> None:
        """Children that have started are compared as well; what is due because of them waits to be chosen."""
        for parent_id, model in list(self.models.items()):
            for (slug, index, attempt), child in model.children.all.items():
                if any(known is child for known in self.models.values()):
                    continue
                assert isinstance(child, Run)
                child.id = self.core.value(
                    """select run_id from pgflow.origins where kind = 'child' and from_run_id = %s
                         and (step_slug, task_index, attempt) = (%s, %s, %s)""",
                    parent_id,
                    slug,
                    index,
                    attempt,
                )
                self.models[child.id] = child
        self.core.run_sql(
            """update pgflow.timers set due_at = 'infinity'
               where kind in ('cancel_children', 'retry_children')"""
        )
        self.core.run_sql("update pgflow.ended_children set due_at = 'infinity'")

    def send(self) -> None:
        """Some signals in one call, to steps of every state, to those that are none, and to nobody."""
        nobody = uuid4()
        slugs = [step.slug for step in self.steps if step.wait and step.wait.what == "signal"]
        runs = [run for run, model in self.models.items() if not model.open_ended and model.flow == "f"]
        if not runs:
            return
        sent = [
            (self.random.choice(runs), self.random.choice(slugs or ["none"]), mark)
            for mark in self.random.choices((None, None, "m", "n"), k=self.random.choice((1, 1, 3, 40)))
        ]
        waiting = [
            (run, slug)
            for run, model in self.models.items()
            if not model.open_ended
            for slug in model.waits("signal")
        ]
        sent[0] = (*(self.random.choice(waiting) if waiting else sent[0][:2]), sent[0][2])
        full = [
            (run, slug, random_output(self.random, self.models_steps(run), slug, violate=0.0), mark)
            for run, slug, mark in sent
            if slug != "none"
        ]
        full += [(run, "none", 1, None) for run, slug, mark in sent if slug == "none"]
        full += [
            (nobody, "none", [], "m"),
            (runs[0], self.steps[0].slug if not self.steps[0].wait else "none", [], None),
        ]
        self.log.append(f"send {full}")
        outcomes = send_all(self.core, *full)
        for run in {one[0]: None for one in full}:
            mine = [number for number, one in enumerate(full) if one[0] == run]
            wanted = ["no such run"] * len(mine)
            if run != nobody:
                wanted = self.models[run].send(*(full[number][1:] for number in mine))
            assert [outcomes[number] for number in mine] == wanted, self.log

    def models_steps(self, run_id: UUID) -> list[Step]:
        return self.flows[self.models[run_id].flow]

    def loops(self) -> list[tuple[UUID, str]]:
        """Those under way that have a deadline."""
        return [
            (run_id, slug)
            for run_id, model in self.models.items()
            for slug, state in model.states.items()
            if model.status == "started" and state.status == "started" and model.steps[slug].deadline
        ]

    def end_loops(self, loops: list[tuple[UUID, str]]) -> None:
        """The deadlines of some loops are over, one a run."""
        chosen = dict(self.random.sample(loops, self.random.randint(1, len(loops))))
        self.log.append(f"time is over for loops {chosen}")
        for run_id, slug in chosen.items():
            self.core.run_sql(
                """update pgflow.timers set due_at = clock_timestamp()
                   where run_id = %s and step_slug = %s and kind = 'deadline'""",
                run_id,
                slug,
            )
        assert fire(self.core).fired_count == len(chosen), self.log
        for run_id, slug in chosen.items():
            self.models[run_id].end_loop(slug)

    def send_by_key(self) -> None:
        slugs = [step.slug for step in self.steps if step.wait and step.wait.what == "signal"]
        if not slugs or any(model.open_ended for model in self.models.values()):
            return
        slug, key = self.random.choice(slugs), self.random.choice((PAST, FUTURE, "5", "never"))
        payload = random_output(self.random, self.steps, slug, violate=0.0)
        self.log.append(f"send {payload} to {slug} by {key}")
        wanted = {
            run_id: model.send((slug, payload, "k"))[0]
            for run_id, model in self.models.items()
            if model.flow == "f" and model.status == "started"
            if str(at_path(model.input, ["due"])) == key
        }
        assert send_by_key(self.core, "f", slug, key, payload, "k") == wanted, self.log

    def time_out(self) -> None:
        """The time is over for some runs that had some."""
        having = [run_id for run_id, model in self.models.items() if model.flow == "f"]
        chosen = self.random.sample(having, self.random.randint(1, len(having)))
        self.log.append(f"time is over for {chosen}")
        late = "run_id = any(%s) and kind = 'run_timeout'"
        self.core.run_sql(f"update pgflow.timers set due_at = clock_timestamp() where {late}", chosen)
        open_count = sum(
            self.models[run_id].status == "started" and self.models[run_id].has_begun for run_id in chosen
        )
        assert fire(self.core).fired_count == open_count, self.log
        for run_id in chosen:
            if self.models[run_id].has_begun:
                self.models[run_id].time_out(self.run_timeout or 0)

    def cancel(self) -> None:
        """Some runs in one call, also such as have ended and one that never was."""
        chosen = self.random.sample(list(self.models), self.random.randint(1, len(self.models)))
        reason = self.random.choice((None, "", "no longer wanted"))
        self.log.append(f"cancel {chosen}: {reason}")
        nobody = uuid4()
        rows = self.core.call("cancel_runs", run_ids=[*chosen, nobody], reason=reason)
        wanted = {run_id: self.models[run_id].cancel(reason) for run_id in chosen}
        assert {row.run_id: row.outcome for row in rows} == wanted | {nobody: "no_such_run"}, self.log

    def retry(self) -> None:
        """Some runs in one call, whatever their status; then results of their former tasks come late."""
        self.retries -= 1
        sure = [run_id for run_id, model in self.models.items() if not model.open_ended]
        chosen = self.random.sample(sure, self.random.randint(0, len(sure)))
        spread = self.random.choice((0.0, 0.0, 31_536_000.0))  # so long that none goes on at once
        self.log.append(f"retry {chosen}, spread over {spread} s")
        claims = [self.claim(key) for key in self.keys() if key[0] in chosen]
        rows = self.core.call("retry_runs", run_ids=chosen, spread=spread)
        refused = {run_id for run_id in chosen if self.is_unawaited(self.models[run_id])}
        wanted = {
            run_id: self.models[run_id].retry(waits=spread > 0) for run_id in chosen if run_id not in refused
        }
        wanted |= dict.fromkeys(refused, "not_awaited")
        assert {row.run_id: row.outcome for row in rows} == wanted, self.log
        self.old += [claim for claim in claims if wanted[claim.run_id] == "retried"]
        late = self.random.sample(self.old, min(len(self.old), 5))
        if self.random.random() < 0.5:
            outcomes = complete(self.core, late, [[] for _ in late])
        else:
            outcomes = fail(self.core, late)
        told = [row.outcome for row in outcomes if row.outcome != "due"]
        assert told == ["stale"] * len(late), self.log

    @staticmethod
    def is_unawaited(model: Run) -> bool:
        """Whether it ended badly, and is a child whose parent does not wait for it."""
        if model.parent is None or model.status not in ("failed", "cancelled"):
            return False
        return not model.parent[0].awaits(model.parent[1])

    def fork(self) -> None:
        """A new run from one of them, which may still go on; or a refusal, if its input would be another."""
        self.forks -= 1
        sure = [run_id for run_id, model in self.models.items() if not model.open_ended]
        if not sure:
            return
        run_id = self.random.choice(sure)
        model = self.models[run_id]
        slugs = list(model.steps)
        from_steps = self.random.sample(slugs, self.random.randint(1, min(3, len(slugs))))
        reused = model.reusable(from_steps)
        self.log.append(f"fork {run_id} from {from_steps}, reusing {reused}")
        readers = [slug for slug in reused if self.reads_input(model.steps[slug])]
        if readers and self.random.random() < 0.3:
            with self.core.refused(", ".join(readers), sqlstate="PF011"):
                self.core.call("fork_run", run_id=run_id, from_steps=from_steps, input=Jsonb(["new"]))
        input = model.input
        if not readers and self.random.random() < 0.5:
            input = random_input(self.random, self.models_steps(run_id))
        (row,) = self.core.call("fork_run", run_id=run_id, from_steps=from_steps, input=Jsonb(input))
        self.models[row.fork_run] = model.fork(from_steps, input)
        self.models[row.fork_run].id = row.fork_run

    def reads_input(self, step: Step) -> bool:
        """Whether what it did may depend on the run's input."""
        patterns = [*(step.required or ()), *step.forbidden]
        if step.wait is None or step.wait.what == "pick" or (patterns and not step.deps):
            return True
        return step.wait.until[:1] == ("flow_input",) or any("flow_input" in each for each in patterns)

    def keys(self) -> list[Key]:
        return [
            (run_id, slug, index)
            for run_id, model in self.models.items()
            for slug, state in model.states.items()
            for index in range(len(state.tasks))
        ]

    def requeued(self) -> list[int]:
        return [
            task.requeued
            for model in self.models.values()
            for state in model.states.values()
            for task in state.tasks
        ]

    def late_calls(self) -> None:
        """Calls for tasks of finished runs change nothing more than the contract says."""
        tasks = [key for key in self.keys() if not self.models[key[0]].open_ended]
        for run_id, slug, index in self.random.sample(tasks, min(len(tasks), 5)):
            if self.random.random() < 0.5:
                self.log.append(f"late completion of {slug} {index}")
                self.core.complete_task(run_id, slug, index, [])
                self.models[run_id].complete(slug, index, [])
            else:
                self.log.append(f"late failure of {slug} {index}")
                self.core.fail_task(run_id, slug, index, "late")
                self.models[run_id].fail(slug, index, "late")

    def claim(self, key: Key) -> Row:
        """The task as a worker that claimed it knows it."""
        return self.core.row(
            """select last_worker_id as worker_id, run_id, step_slug, task_index, attempts_count as attempt
               from pgflow.step_tasks where run_id = %s and step_slug = %s and task_index = %s""",
            *key,
        )

    # -- the same state in both ----------------------------------------------------------------------------

    def compare(self) -> None:
        self.adopt()
        messages: dict[str, list[tuple[str, int]]] = {str(run_id): [] for run_id in self.models}
        for row in [row for flow in self.flows for row in self.core.queue(flow)]:
            messages[row.message["run_id"]].append((row.message["step_slug"], row.message["task_index"]))
        for run_id, model in self.models.items():
            run = self.core.run(run_id)
            assert run.status == model.status, self.log
            assert messages[str(run_id)] == model.queue, self.log
            if not model.open_ended:
                found = (run.output, run.remaining_steps, run.error_message, run.cancel_reason)
                wanted = (model.output, model.remaining_steps, model.error, model.reason)
                assert found == wanted, self.log
                self.compare_states(run_id, model)

    def compare_states(self, run_id: UUID, model: Run) -> None:
        states = self.core.rows("select * from pgflow.step_states where run_id = %s", run_id)
        tasks: dict[str, list[Row]] = {row.step_slug: [] for row in states}
        for task in self.core.tasks(run_id):
            tasks[task.step_slug].append(task)
        found = {row.step_slug: seen(row, tasks[row.step_slug]) for row in states}
        wanted = {slug: expected(state) for slug, state in model.states.items()}
        assert found.keys() == wanted.keys()
        assert {slug: (found[slug], wanted[slug]) for slug in found if found[slug] != wanted[slug]} == {}, (
            self.log
        )

    def compare_events(self, run_id: UUID, model: Run) -> None:
        found = self.core.event_names(run_id)
        if model.open_ended:
            assert found[-1] == model.events[-1] == "run:failed", self.log
            return
        assert sorted(found) == sorted(model.events), self.log
        assert (found[0], found[-1]) == (model.events[0], model.events[-1]), self.log
        place = {event: number for number, event in enumerate(found)}
        for step in model.steps.values():
            released = [place[name] for name in names(step.slug, "started", "completed") if name in place]
            for dep in step.deps:
                ended = [place[name] for name in names(dep, "completed", "skipped") if name in place]
                for here in released:
                    assert max(ended, default=-1) < here, (step.slug, dep, self.log)


def key_of(row: Row) -> Key:
    return row.run_id, row.step_slug, row.task_index


def one_of_each_run(keys: list[Key]) -> list[Key]:
    return list({key[0]: key for key in keys}.values())


def names(slug: str, *kinds: str) -> list[str]:
    return [f"step:{slug}:{kind}" for kind in kinds]


def seen(row: Row, tasks: list[Row]) -> dict[str, Json]:
    """A step in the database; what the contract leaves open of skipped and failed ones is left out."""
    return {
        "status": row.status,
        "deps": None if row.status == "skipped" else row.remaining_deps,
        "initial": None if row.status == "skipped" else row.initial_tasks,
        "remaining": None if row.status == "failed" else row.remaining_tasks,
        "output": row.output,
        "error": row.error_message,
        "reason": row.skip_reason,
        "reused": row.reused,
        "tasks": [
            (
                t.status,
                t.attempts_count,
                t.forgiven_count,
                t.requeued_count,
                t.killed_workers or [],
                t.output,
                t.error_message,
                t.waits_for,
                t.status == "completed" and bool(t.is_tolerated),
                (t.round or 1, t.state),
            )
            for t in tasks
        ],
    }


def expected(state: State) -> dict[str, Json]:
    """A step in the model, in the same form."""
    return {
        "status": state.status,
        "deps": None if state.status == "skipped" else state.remaining_deps,
        "initial": None if state.status == "skipped" else state.initial,
        "remaining": None if state.status == "failed" else state.remaining,
        "output": state.output,
        "error": state.error,
        "reason": state.reason,
        "reused": state.reused,
        "tasks": [
            (
                task.status,
                task.attempts,
                task.forgiven,
                task.requeued,
                task.killed,
                task.output,
                task.error,
                task.waits_for,
                task.status == "completed" and task.is_tolerated,
                (task.round, task.state),
            )
            for task in state.tasks
        ],
    }


@pytest.mark.parametrize(
    ("value", "pattern"),
    [
        ({"a": 1, "b": 2}, {"a": 1}),
        ({}, {}),
        ([1, [2]], [[2]]),
        ([1], []),
        ({"a": [{"ok": True, "n": 1}]}, {"a": [{"ok": True}]}),
        ({"a": None}, {"a": None}),
        ([1], {}),
        ({}, []),
        ({"a": [1]}, {"a": 1}),
        (7, {}),
        (None, {"a": 1}),
        ({"a": True}, {"a": 1}),
    ],
)
def test_the_containment_of_the_model(core: Core, value: Json, pattern: Json) -> None:
    assert core.value("select %s::jsonb @> %s::jsonb", Jsonb(value), Jsonb(pattern)) is contains(
        value, pattern
    )
