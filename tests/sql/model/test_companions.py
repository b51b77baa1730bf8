"""What follows the ends of runs, at random: flows of which random steps are undone, against the model.

They are worked on, failed, cancelled, retried and forked; and every undo keeps what is promised of it.

`--model-flows N` compares more flows, `--model-seed N` others. A failure names the seed of its flow.
"""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import TypeAlias
from uuid import UUID

import pytest
from psycopg.types.json import Jsonb

from pgflow_runtime.testing.engine.companions import Aftermath, Start
from pgflow_runtime.testing.engine.model import Attempt, Run
from tests.support.batch import claim, complete, fail, register
from tests.support.core import Core, Json, Row
from tests.support.random_flows import define, random_flow, random_input, random_output, random_value
from tests.support.steps_that_wait import send
from tests.support.timers import fire
from tests.support.undo_flows import assert_undone, options_of, random_companions
from tests.support.undo_flows import define as define_companions

BATCH = 10  # flows a test
UNDO = "f__undo"
Key: TypeAlias = tuple[UUID, str, int]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "seeds" in metafunc.fixturenames:
        first, count = metafunc.config.getoption("--model-seed"), metafunc.config.getoption("--model-flows")
        last = first + (count + 1) // 2  # they take longer than others
        ranges = [range(n, min(n + BATCH, last)) for n in range(first, last, BATCH)]
        metafunc.parametrize("seeds", ranges, ids=[f"{seeds[0]}-{seeds[-1]}" for seeds in ranges])


def test_flows_with_companions(core: Core, seeds: range) -> None:
    for seed in seeds:
        with core.connection.transaction(force_rollback=True):
            try:
                Comparison(core, seed).work()
            except Exception as error:
                raise AssertionError(f"seed {seed}: {error}") from error


class Comparison:
    """Some runs of one flow in the database and in the model, and their companions in the database."""

    def __init__(self, core: Core, seed: int) -> None:
        self.core = core
        self.random = Random(f"companions {seed}")
        self.steps = [
            replace(
                step,
                max_attempts=1,
                when_exhausted=self.random.choice(("fail", step.when_exhausted)),
            )
            for step in random_flow(self.random, most=10, waits=self.random.choice((0.0, 0.2)))
        ]
        self.deps = {step.slug: step.deps for step in self.steps}
        maps = [step.slug for step in self.steps if step.kind == "map"]
        self.companions = random_companions(self.random, self.steps)
        define(core, "f", self.steps)
        core.call("alter_flow", flow_slug="f", base_delay=0, options=Jsonb(options_of(self.companions)))
        define_companions(core, "f", self.companions, self.deps, maps)
        self.worker = register(core, "f")
        self.trouble = self.random.choice((0.2, 0.5))
        self.cancels = self.random.choice((0.0, 0.1, 0.2))
        self.undo_trouble = self.random.choice((0.0, 0.0, 0.3))
        self.retries = self.random.choice((0, 1, 3))
        self.forks = self.random.choice((0, 0, 1))
        self.log: list[str] = []
        self.models: dict[UUID, Run] = {}
        self.after: dict[UUID, Aftermath] = {}
        self.begun: dict[UUID, dict[UUID, Start]] = {}
        """Of each run the companions that have started, by their ids."""
        self.told: set[UUID] = set()
        for _ in range(self.random.choice((1, 2, 3))):
            value = random_input(self.random, self.steps)
            self.follow(core.start_flow("f", value).run_id, Run(self.steps, value))

    def follow(self, run_id: UUID, model: Run) -> None:
        self.models[run_id] = model
        self.after[run_id] = Aftermath(model, self.companions, str(run_id))
        self.begun[run_id] = {}

    def work(self) -> None:
        for _ in range(400):
            for after in self.after.values():
                after.note()
            if not self.turn():
                break
            self.compare()
        else:
            raise AssertionError("there is no end")
        self.promise()

    def turn(self) -> bool:
        queued = [(run, *key) for run, m in self.models.items() for key in m.tasks("queued")]
        started = [(run, *key) for run, m in self.models.items() for key in m.tasks("started")]
        resting = [
            (run, slug) for run, m in self.models.items() for slug in m.waits("signal") + m.waits("sleep")
        ]
        choice = self.random.random()
        if any(after.is_open for after in self.after.values()) and choice < 0.4:
            self.begin_companions()
        elif choice < 0.5 and self.work_on_companions():
            pass
        elif self.busy() and choice < 0.55:
            self.retry_in_vain()
        elif self.late() and choice < 0.6:
            self.report(*self.random.choice(self.late()))
        elif self.loops() and choice > 0.93:
            self.end_loop(*self.random.choice(self.loops()))
        elif queued and (not started or choice < 0.75):
            self.start(queued)
        elif started:
            self.end(self.random.choice(started))
        elif resting:
            self.rest(*self.random.choice(resting))
        elif any(after.is_open for after in self.after.values()):
            self.begin_companions()
        elif self.work_on_companions():
            pass
        elif self.retries:
            self.retry()
        elif self.forks:
            self.fork()
        else:
            return False
        if self.random.random() < self.cancels:
            run_id = self.random.choice(list(self.models))
            self.core.call("cancel_runs", run_ids=[run_id], reason="enough")
            self.models[run_id].cancel("enough")
        return True

    # -- the run ---------------------------------------------------------------------------------------------

    def start(self, queued: list[Key]) -> None:
        chosen = self.random.sample(queued, self.random.randint(1, len(queued)))
        self.core.start_tasks("f", [self.core.task(*key).message_id for key in chosen], self.worker)
        for run_id, slug, index in chosen:
            self.models[run_id].start(slug, index)

    def loops(self) -> list[tuple[UUID, str]]:
        """Those under way that have a deadline."""
        return [
            (run_id, slug)
            for run_id, model in self.models.items()
            for slug, state in model.states.items()
            if model.status == "started" and state.status == "started" and model.steps[slug].deadline
        ]

    def end_loop(self, run_id: UUID, slug: str) -> None:
        """Its deadline is over, whoever is at it."""
        self.log.append(f"deadline {run_id} {slug}")
        self.core.run_sql(
            """update pgflow.timers set due_at = clock_timestamp()
               where run_id = %s and step_slug = %s and kind = 'deadline'""",
            run_id, slug,
        )  # fmt: skip
        self.postponing(lambda: fire(self.core))
        self.models[run_id].end_loop(slug)

    def claim(self, key: Key) -> Row:
        return self.core.row(
            """select last_worker_id as worker_id, run_id, step_slug, task_index, attempts_count as attempt
               from pgflow.step_tasks where run_id = %s and step_slug = %s and task_index = %s""",
            *key,
        )

    def end(self, key: Key) -> None:
        run_id, slug, index = key
        if self.random.random() < self.trouble:
            self.log.append(f"fail {key}")
            fail(self.core, [self.claim(key)], [f"boom {len(self.log)}"])
            self.models[run_id].fail(slug, index, f"boom {len(self.log)}")
        else:
            output = random_output(self.random, self.steps, slug)
            self.log.append(f"complete {key} {output}")
            complete(self.core, [self.claim(key)], [output])
            self.models[run_id].complete(slug, index, output)

    def late(self) -> list[tuple[UUID, Attempt]]:
        """Attempts that were under way when their run, or their step, ended, and said nothing yet."""
        return [
            (run_id, attempt)
            for run_id, model in self.models.items()
            for attempt in sorted(model.under_way - model.reported)
        ]

    def report(self, run_id: UUID, attempt: Attempt) -> None:
        """A result comes after the end: an undo that has not begun counts it, nothing else does."""
        slug, index, number = attempt
        model = self.models[run_id]
        is_heard = self.after[run_id].is_open or model.status == "started"
        value = random_value(self.random)
        self.log.append(f"late {run_id} {attempt} {value}, heard: {is_heard}")
        claim = self.claim((run_id, slug, index))._replace(attempt=number, worker_id=self.worker)
        is_latest = model.states[slug].tasks[index].attempts == number
        if self.random.random() < 0.7:
            complete(self.core, [claim], [value])
            model.report(attempt, value)
        else:
            fail(self.core, [claim], ["late"])
            model.reported.add(attempt)
            if is_latest:
                model.fail(slug, index, "late")
        if not is_heard:
            model.reported.discard(attempt)
            model.under_way.discard(attempt)
            model.late.pop(attempt, None)

    def rest(self, run_id: UUID, slug: str) -> None:
        model = self.models[run_id]
        if slug in model.waits("signal"):
            value = random_output(self.random, self.steps, slug, violate=0.0)
            send(self.core, run_id, slug, value)
            model.send((slug, value, None))
        else:
            self.core.run_sql(
                "update pgflow.timers set due_at = clock_timestamp() where run_id = %s and step_slug = %s",
                run_id,
                slug,
            )
            self.postponing(lambda: fire(self.core))
            model.end_sleeps([slug])

    def postponing(self, act: object) -> None:
        """What follows ends is not due meanwhile."""
        where = "where kind = 'companions'"
        self.core.run_sql(f"update pgflow.timers set due_at = due_at + interval '9 years' {where}")
        assert callable(act)
        act()
        # what act has set is due now, and not before all that has ever been fired
        back = "greatest(due_at - interval '9 years', clock_timestamp())"
        self.core.run_sql(f"update pgflow.timers set due_at = {back} {where}")

    def retry(self) -> None:
        self.retries -= 1
        run_id = self.random.choice(self.sure() or [None])
        if run_id is None:
            return
        even = self.random.random() < 0.5
        (row,) = self.core.call(
            "retry_runs", run_ids=[run_id], options=Jsonb({"even_if_undone": True} if even else {})
        )
        after, model = self.after[run_id], self.models[run_id]
        wanted = f"already_{model.status}"
        if model.status in ("failed", "cancelled"):
            wanted = "was_undone" if after.has_undo and not even else model.retry()
        self.log.append(f"retry {run_id}: {wanted}")
        assert row.outcome == wanted, self.log

    def sure(self) -> list[UUID]:
        return [run_id for run_id, model in self.models.items() if not model.open_ended]

    def busy(self) -> list[UUID]:
        """Ended runs whose companions are not over."""
        return [
            run_id
            for run_id, after in self.after.items()
            if after.is_open or any(self.core.run(undo).status == "started" for undo in self.begun[run_id])
            if self.models[run_id].status in ("failed", "cancelled")
        ]

    def retry_in_vain(self) -> None:
        run_id = self.random.choice(self.busy())
        (row,) = self.core.call("retry_runs", run_ids=[run_id], options=Jsonb({"even_if_undone": True}))
        assert row.outcome == "companions_under_way", self.log

    def fork(self) -> None:
        self.forks -= 1
        run_id = self.random.choice(self.sure() or [None])
        if run_id is None:
            return
        from_steps = self.random.sample(list(self.deps), 1)
        undone = self.after[run_id].undone_among(self.models[run_id].reusable(from_steps))
        self.log.append(f"fork {run_id} from {from_steps}, undone: {undone}")
        if undone:
            with self.core.refused(f"undoes what they did: {', '.join(sorted(undone))}", sqlstate="PF011"):
                self.core.call("fork_run", run_id=run_id, from_steps=from_steps)
            return
        (row,) = self.core.call("fork_run", run_id=run_id, from_steps=from_steps)
        self.follow(row.fork_run, self.models[run_id].fork(from_steps, self.models[run_id].input))

    # -- its companions --------------------------------------------------------------------------------------

    def begin_companions(self) -> None:
        """What is due starts; now and then nobody waits any longer for what is under way."""
        ended = [run_id for run_id, _ in self.late() if self.models[run_id].status != "started"]
        impatient = self.random.random() < 0.3 or not ended
        if impatient:
            self.core.run_sql("update pgflow.timers set due_at = clock_timestamp() where kind = 'companions'")
            self.core.run_sql(
                """update pgflow.late_results set patience_ends_at = clock_timestamp()
                   where run_id in (select run_id from pgflow.timers where kind = 'companions')"""
            )
        self.log.append(f"companions start, impatient: {impatient}")
        fire(self.core)
        for run_id, after in self.after.items():
            starts = after.start() if impatient or not after.waits else []
            rows = self.core.rows(
                """select c.*, r.input from pgflow.list_companions(%s) c join pgflow.runs r using (run_id)""",
                run_id,
            )
            new = [row for row in rows if row.run_id not in self.begun[run_id]]
            found = {(row.kind, row.flow_slug, row.end_number): row.input for row in new}
            wanted = {(one.kind, one.slug, one.number): tagged(one.input) for one in starts}
            assert {key: tagged(value) for key, value in found.items()} == wanted, self.log
            by_key = {(one.kind, one.slug, one.number): one for one in starts}
            for row in new:
                self.begun[run_id][row.run_id] = by_key[row.kind, row.flow_slug, row.end_number]
        self.hear()

    def work_on_companions(self) -> bool:
        """A task of one that is under way ends."""
        for flow in self.random.sample([UNDO, *self.companions.ends], 1 + len(self.companions.ends)):
            if flow == UNDO and self.companions.undo is None:
                continue
            tasks = claim(self.core, (register(self.core, flow), flow), max_tasks=1)
            if tasks:
                if flow == UNDO and self.random.random() < self.undo_trouble:
                    fail(self.core, tasks)
                else:
                    complete(self.core, tasks)
                self.log.append(f"companion {flow} worked")
                self.hear()
                return True
        return False

    def hear(self) -> None:
        """Undos that have ended."""
        for run_id, begun in self.begun.items():
            for undo_id, start in begun.items():
                row = self.core.run(undo_id)
                if start.kind == "undo" and row.status != "started" and undo_id not in self.told:
                    self.told.add(undo_id)
                    done: dict[str, list[int]] = {}
                    for task in self.core.tasks(undo_id):
                        if task.status == "completed":
                            done.setdefault(task.step_slug, []).append(task.task_index)
                    self.after[run_id].undo_ended(start, done, row.status)

    # -- what must be true -------------------------------------------------------------------------------

    def compare(self) -> None:
        for run_id, model in self.models.items():
            run = self.core.run(run_id)
            assert run.status == model.status, self.log
            assert (run.end_count or 0) == model.end_count or not self.companions.any, self.log

    def promise(self) -> None:
        """Every completed step that can be undone was undone once, after everything that used it."""
        for run_id in self.models:
            try:
                assert_undone(self.core, self.companions, self.deps, run_id)
            except AssertionError as error:
                raise AssertionError(f"{error}: {self.log}") from None


def tagged(input: Json) -> Json:
    """A type violation's text is its tag here."""
    error = input["run_end"]["error"]
    if error is not None and error.startswith("[TYPE_VIOLATION]"):
        return input | {"run_end": input["run_end"] | {"error": "[TYPE_VIOLATION]"}}
    return input
