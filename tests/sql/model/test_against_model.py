"""Random flows, worked on in random order, against a model of the state machine in plain Python.

`--model-flows N` compares more flows, `--model-seed N` others. A failure names the seed of its flow.
"""

from __future__ import annotations

from random import Random
from typing import Any
from uuid import UUID

import pytest
from psycopg.types.json import Jsonb

from tests.support.batch import complete, fail, register, release
from tests.support.core import Core, Json
from tests.support.invariants import assert_sound, install
from tests.support.model import Run, Step, contains
from tests.support.random_flows import define, random_flow, random_input, random_output

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


class Comparison:
    """One run in the database and in the model; after each call both must be in the same state."""

    def __init__(self, core: Core, seed: int) -> None:
        self.core = core
        self.random = Random(seed)
        self.steps = random_flow(self.random)
        define(core, "f", self.steps)
        self.worker = register(core, "f")
        value = random_input(self.random, self.steps)
        self.fenced = self.random.random() < 0.5  # the set-based functions instead of those of one task
        self.trouble = self.random.choice((0.0, 0.1, 0.4))
        self.model = Run(self.steps, value)
        self.run_id: UUID = core.start_flow("f", value).run_id
        self.log: list[str] = [f"start {value}"]
        self.compare()

    def work(self) -> None:
        for _ in range(1000):
            queued, started = self.model.tasks("queued"), self.model.tasks("started")
            if not queued and not started:
                break
            if queued and (not started or self.random.random() < 0.5):
                self.start(queued)
            else:
                self.finish(started)
            self.compare()
        assert self.model.status in ("completed", "failed"), "the run does not end"
        self.late_calls()
        self.compare()
        self.compare_events()
        if not self.model.open_ended:
            assert_sound(self.core)

    # -- the same call to both -----------------------------------------------------------------------------

    def start(self, queued: list[tuple[str, int]]) -> None:
        chosen = self.random.sample(queued, self.random.randint(1, len(queued)))
        ids = [self.core.task(self.run_id, slug, index).message_id for slug, index in chosen]
        self.log.append(f"start tasks {chosen}")
        rows = {(row.step_slug, row.task_index): row for row in self.core.start_tasks("f", ids, self.worker)}
        assert rows.keys() == set(chosen), self.log
        for slug, index in chosen:
            expected = self.model.task_input(slug, index)
            assert (rows[slug, index].input, rows[slug, index].flow_input) == expected, self.log
            self.model.start(slug, index)

    def finish(self, started: list[tuple[str, int]]) -> None:
        slug, index = self.random.choice(started)
        choice = self.random.random()
        if choice < self.trouble:
            self.fail(slug, index)
        elif choice < self.trouble + 0.05:
            self.log.append(f"release {slug} {index}")
            assert release(self.core, [self.claim(slug, index)]) == 1
            self.model.release(slug, index)
        elif self.fenced and self.random.random() < 0.5:
            self.complete_several(started)
        else:
            self.complete(slug, index)

    def complete(self, slug: str, index: int) -> None:
        output = random_output(self.random, self.steps, slug)
        self.log.append(f"complete {slug} {index} with {output}")
        if self.fenced:
            complete(self.core, [self.claim(slug, index)], [output])
        else:
            assert len(self.core.complete_task(self.run_id, slug, index, output)) == 1
        self.model.complete(slug, index, output)

    def complete_several(self, started: list[tuple[str, int]]) -> None:
        """One call for several tasks does what one call after the other does (unless the run fails by it)."""
        chosen = self.random.sample(started, self.random.randint(1, len(started)))
        outputs = [random_output(self.random, self.steps, slug, violate=0) for slug, _ in chosen]
        self.log.append(f"complete {list(zip(chosen, outputs, strict=True))}")
        complete(self.core, [self.claim(slug, index) for slug, index in chosen], outputs)
        before = set(self.model.queue)
        for (slug, index), output in zip(chosen, outputs, strict=True):
            self.model.complete(slug, index, output)
        # what one call starts is sent in order of the slugs
        new = [message for message in self.model.queue if message not in before]
        self.model.queue = [message for message in self.model.queue if message in before] + sorted(new)
        self.model.open_ended |= self.model.status == "failed"

    def fail(self, slug: str, index: int) -> None:
        message = f"boom {len(self.log)}"
        self.log.append(f"fail {slug} {index}: {message}")
        if self.fenced:
            assert len(fail(self.core, [self.claim(slug, index)], [message])) == 1
        else:
            assert len(self.core.fail_task(self.run_id, slug, index, message)) == 1
        self.model.fail(slug, index, message)

    def late_calls(self) -> None:
        """Calls for tasks of the finished run change nothing more than the contract says."""
        tasks = [(slug, index) for slug, s in self.model.states.items() for index in range(len(s.tasks))]
        for slug, index in self.random.sample(tasks, min(len(tasks), 5)):
            if self.random.random() < 0.5:
                self.log.append(f"late completion of {slug} {index}")
                self.core.complete_task(self.run_id, slug, index, [])
                self.model.complete(slug, index, [])
            else:
                self.log.append(f"late failure of {slug} {index}")
                self.core.fail_task(self.run_id, slug, index, "late")
                self.model.fail(slug, index, "late")

    def claim(self, slug: str, index: int) -> Any:
        """The task as a worker that claimed it knows it."""
        return self.core.row(
            """select last_worker_id as worker_id, run_id, step_slug, task_index, attempts_count as attempt
               from pgflow.step_tasks where run_id = %s and step_slug = %s and task_index = %s""",
            self.run_id,
            slug,
            index,
        )

    # -- the same state in both ----------------------------------------------------------------------------

    def compare(self) -> None:
        run = self.core.run(self.run_id)
        assert run.status == self.model.status, self.log
        if self.model.open_ended:
            assert self.core.queue("f") == [], self.log
            return
        assert (run.output, run.remaining_steps) == (self.model.output, self.model.remaining_steps), self.log
        states = self.core.rows("select * from pgflow.step_states where run_id = %s", self.run_id)
        found = {row.step_slug: self.seen(row) for row in states}
        expected = {slug: self.expected(slug) for slug in self.model.states}
        assert {s: v for s, v in found.items() if v != expected[s]} == {
            s: v for s, v in expected.items() if v != found[s]
        }, self.log
        messages = [(row.message["step_slug"], row.message["task_index"]) for row in self.core.queue("f")]
        assert messages == self.model.queue, self.log

    def seen(self, row: Any) -> dict[str, Json]:
        tasks = self.core.tasks(self.run_id, row.step_slug)
        return {
            "status": row.status,
            "deps": None if row.status == "skipped" else row.remaining_deps,
            "initial": None if row.status == "skipped" else row.initial_tasks,
            "remaining": None if row.status == "failed" else row.remaining_tasks,
            "output": row.output,
            "error": tagged(row.error_message),
            "reason": row.skip_reason,
            "tasks": [(t.status, t.attempts_count, t.output, tagged(t.error_message)) for t in tasks],
        }

    def expected(self, slug: str) -> dict[str, Json]:
        state = self.model.states[slug]
        return {
            "status": state.status,
            "deps": None if state.status == "skipped" else state.remaining_deps,
            "initial": None if state.status == "skipped" else state.initial,
            "remaining": None if state.status == "failed" else state.remaining,
            "output": state.output,
            "error": state.error,
            "reason": state.reason,
            "tasks": [(task.status, task.attempts, task.output, task.error) for task in state.tasks],
        }

    def compare_events(self) -> None:
        found = self.core.event_names(self.run_id)
        if self.model.open_ended:
            assert found[-1] == self.model.events[-1] == "run:failed", self.log
            return
        assert sorted(found) == sorted(self.model.events), self.log
        assert (found[0], found[-1]) == ("run:started", self.model.events[-1]), self.log
        place = {event: number for number, event in enumerate(found)}
        for step in self.steps:
            released = [place[name] for name in self.names(step, "started", "completed") if name in place]
            for dep in step.deps:
                ended = [place[name] for name in self.names(self.model.steps[dep], "completed", "skipped")]
                for here in released:
                    assert max(ended) < here, (step.slug, dep, self.log)

    def names(self, step: Step, *kinds: str) -> list[str]:
        names = [f"step:{step.slug}:{kind}" for kind in kinds]
        return [name for name in names if name in self.model.events]


def tagged(message: str | None) -> str | None:
    """A type violation's text is its tag here; the texts have tests of their own."""
    return "[TYPE_VIOLATION]" if message and message.startswith("[TYPE_VIOLATION]") else message


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
