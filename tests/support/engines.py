"""One run, driven alike on three engines: the SQL core by sets, the SQL core task by task, memory."""

from __future__ import annotations

import json
from typing import Any, Protocol, TypeAlias
from uuid import UUID

from pgflow_runtime.testing.engine.clock import TimedRun
from pgflow_runtime.testing.engine.model import Run, Step
from pgflow_runtime.testing.engine.plan import Plan, plan_of
from pgflow_runtime.testing.engine.stored import store, text_of
from tests.support.batch import again, complete, fail, register
from tests.support.core import Core, Row
from tests.support.random_flows import condition, loop_options, options_of
from tests.support.steps_that_wait import send
from tests.support.timers import fire

Key: TypeAlias = tuple[str, int]
Record: TypeAlias = dict[str, Any]
RETRIED_AT_ONCE = {"base_delay": 0}


class Engine(Protocol):
    """A run from its start on. JSON goes in and comes out as Python reads it."""

    @property
    def flow(self) -> str:
        """The flow's slug."""

    def start(self, key: Key) -> Any:
        """Begin a task; what its handler gets as input."""

    def complete(self, key: Key, output: Any) -> None: ...
    def fail(self, key: Key, message: str) -> None: ...
    def again(self, key: Key, state: Any, seconds: int) -> None:
        """A round of a loop ends, and the next may begin; after a minute, it is waited for."""

    def wake(self, key: Key) -> None:
        """The time of the next round has come."""

    def end_loop(self, slug: str) -> None:
        """A loop's deadline has come."""

    def cancel(self, reason: str) -> None: ...
    def retry(self) -> None: ...
    def hold(self) -> None: ...
    def let_go(self) -> None: ...
    def time_out(self) -> None:
        """The run's time is over."""

    def send(self, slug: str, payload: Any) -> str: ...
    def end_wait(self, slug: str) -> None:
        """The time of a sleep, or the deadline of a signal, has come."""

    def waits(self, what: str) -> list[str]:
        """Steps without a handler that wait for that, sorted: "sleep", "signal", "deadline"."""

    def tasks(self, status: str) -> list[Key]:
        """Those of that status that may still be worked on, sorted."""

    def waiting(self) -> list[Key]:
        """Tasks that wait for their next round, sorted."""

    def events(self) -> list[str]: ...
    def record(self) -> Record:
        """What has become of the run and of its steps."""


class SqlEngine:
    """The flow ``slug`` of a database. ``is_set_based``: which functions report results."""

    def __init__(self, core: Core, slug: str, run_id: UUID, *, is_set_based: bool) -> None:
        self._core, self._slug, self._is_set_based = core, slug, is_set_based
        self._worker = register(core, slug)
        self.run_id = run_id

    @property
    def flow(self) -> str:
        return self._slug

    @classmethod
    def start_run(cls, core: Core, slug: str, input: Any, *, is_set_based: bool) -> SqlEngine:
        return cls(core, slug, core.start_flow(slug, input).run_id, is_set_based=is_set_based)

    def start(self, key: Key) -> Any:
        message_id = self._core.task(self.run_id, *key).message_id
        (row,) = self._core.start_tasks(self._slug, [message_id], self._worker)
        return row.input, row.flow_input

    def complete(self, key: Key, output: Any) -> None:
        if self._is_set_based:
            complete(self._core, [self._claim(key)], [output])
        else:
            self._core.complete_task(self.run_id, *key, output)

    def fail(self, key: Key, message: str) -> None:
        if self._is_set_based:
            fail(self._core, [self._claim(key)], [message])
        else:
            self._core.fail_task(self.run_id, *key, message)

    def again(self, key: Key, state: Any, seconds: int) -> None:
        again(self._core, [self._claim(key)], [state], [seconds * 1000])

    def wake(self, key: Key) -> None:
        self._let_pass("wait", key[0])

    def end_loop(self, slug: str) -> None:
        self._let_pass("deadline", slug)

    def _let_pass(self, kind: str, slug: str) -> None:
        """A timer of one step is due."""
        self._core.run_sql(
            """update pgflow.timers set due_at = clock_timestamp()
               where run_id = %s and kind = %s and step_slug = %s""",
            self.run_id,
            kind,
            slug,
        )
        assert fire(self._core).fired_count >= 1  # and what that leads to

    def cancel(self, reason: str) -> None:
        self._core.call("cancel_runs", run_ids=[self.run_id], reason=reason)

    def retry(self) -> None:
        self._core.call("retry_runs", run_ids=[self.run_id])

    def hold(self) -> None:
        self._core.call("hold_runs", run_ids=[self.run_id])

    def let_go(self) -> None:
        self._core.call("release_runs", run_ids=[self.run_id])

    def time_out(self) -> None:
        self._core.run_sql(
            """update pgflow.timers set due_at = clock_timestamp()
               where run_id = %s and kind = 'run_timeout'""",
            self.run_id,
        )
        fire(self._core)

    def send(self, slug: str, payload: Any) -> str:
        return send(self._core, self.run_id, slug, payload)

    def end_wait(self, slug: str) -> None:
        self._core.run_sql(
            """update pgflow.timers set due_at = clock_timestamp() where run_id = %s and step_slug = %s""",
            self.run_id,
            slug,
        )
        assert fire(self._core).fired_count >= 1  # and what that leads to

    def waits(self, what: str) -> list[str]:
        query = "select step_slug from pgflow.timers where run_id = %s and kind = %s and task_index is null"
        if what == "signal":
            query = "select step_slug from pgflow.waiting_signals where run_id = %s and %s::text is not null"
        return sorted(row.step_slug for row in self._core.rows(query, self.run_id, what))

    def tasks(self, status: str) -> list[Key]:
        rows = self._core.rows(
            """select t.step_slug, t.task_index
               from pgflow.step_tasks t
               join pgflow.step_states s using (run_id, step_slug)
               join pgflow.runs r using (run_id)
               where run_id = %s and t.status = %s and t.waits_for is null
                 and s.status = 'started' and r.status = 'started'""",
            self.run_id,
            status,
        )
        return sorted((row.step_slug, row.task_index) for row in rows)

    def waiting(self) -> list[Key]:
        rows = self._core.rows(
            """select t.step_slug, t.task_index
               from pgflow.step_tasks t
               join pgflow.step_states s using (run_id, step_slug)
               join pgflow.runs r using (run_id)
               where run_id = %s and t.status = 'queued' and t.waits_for = 'round'
                 and s.status = 'started' and r.status = 'started'""",
            self.run_id,
        )
        return sorted((row.step_slug, row.task_index) for row in rows)

    def events(self) -> list[str]:
        return self._core.event_names(self.run_id)

    def record(self) -> Record:
        run = self._core.run(self.run_id)
        states = self._core.rows("select * from pgflow.step_states where run_id = %s", self.run_id)
        attempts: dict[str, list[tuple[int, int, Any]]] = {row.step_slug: [] for row in states}
        for task in self._core.tasks(self.run_id):
            attempts[task.step_slug].append((task.attempts_count, task.round or 1, task.state))
        return {
            "run": (run.status, run.output, run.error_message, run.cancel_reason),
            **{
                row.step_slug: (row.status, row.output, row.skip_reason, attempts[row.step_slug])
                for row in states
            },
        }

    def _claim(self, key: Key) -> Row:
        return self._core.row(
            """select last_worker_id as worker_id, run_id, step_slug, task_index, attempts_count as attempt
               from pgflow.step_tasks where run_id = %s and step_slug = %s and task_index = %s""",
            self.run_id,
            *key,
        )


class MemoryEngine:
    """The engine of ``run_flow``."""

    def __init__(self, timed: TimedRun) -> None:
        self.timed = timed

    @property
    def flow(self) -> str:
        return self.timed.model.flow

    @classmethod
    def start_run(cls, steps: list[Step], input: Any, *, run_timeout: int | None = None) -> MemoryEngine:
        return cls(TimedRun(plan_in_memory(steps, run_timeout), store(json.dumps(input))))

    def start(self, key: Key) -> Any:
        given = tuple(_read(value) for value in self.timed.model.task_input(*key))
        self.timed.start(key)
        return given

    def complete(self, key: Key, output: Any) -> None:
        self.timed.complete(key, store(json.dumps(output)))

    def fail(self, key: Key, message: str) -> None:
        self.timed.fail(key, message)

    def again(self, key: Key, state: Any, seconds: int) -> None:
        self.timed.again(key, store(json.dumps(state)), seconds * 1000)

    def wake(self, key: Key) -> None:
        self.timed.model.wake(*key)

    def end_loop(self, slug: str) -> None:
        self.timed.end_loop(slug)

    def cancel(self, reason: str) -> None:
        self.timed.cancel(reason)

    def retry(self) -> None:
        self.timed.retry()

    def hold(self) -> None:
        self.timed.model.hold()

    def let_go(self) -> None:
        self.timed.model.let_go()

    def time_out(self) -> None:
        self.timed.time_out()

    def send(self, slug: str, payload: Any) -> str:
        return self.timed.send(slug, store(json.dumps(payload)))

    def end_wait(self, slug: str) -> None:
        model = self.timed.model
        over = {other: state.due for other, state in model.states.items() if other != slug}
        for other in over:  # time passes for this one only
            model.states[other].due = None
        model.states[slug].due = 0.0
        self.timed.move_to(self.timed.now)
        for other, due in over.items():
            model.states[other].due = due if model.states[other].due is None else model.states[other].due

    def waits(self, what: str) -> list[str]:
        slugs = self.timed.model.waits("sleep" if what == "sleep" else "signal")
        if what == "deadline":
            slugs = [slug for slug in slugs if self.timed.model.states[slug].due is not None]
        return sorted(slugs)

    def tasks(self, status: str) -> list[Key]:
        return sorted(self.timed.model.tasks(status))

    def waiting(self) -> list[Key]:
        return sorted(self.timed.model.waiting("round"))

    def events(self) -> list[str]:
        return list(self.timed.model.events)

    def record(self) -> Record:
        return record_of(self.timed.model)


def record_of(model: Run) -> Record:
    """What has become of a run in memory and of its steps."""
    return {
        "run": (model.status, _read(model.output), model.error, model.reason),
        **{
            slug: (
                state.status,
                _read(state.output),
                state.reason,
                [(task.attempts, task.round, _read(task.state)) for task in state.tasks],
            )
            for slug, state in model.states.items()
        },
    }


def plan_in_memory(steps: list[Step], run_timeout: int | None = None) -> Plan:
    """The plan, made of settings as a contract words them."""
    settings: dict[str, Any] = {
        step.slug: {
            "max_attempts": step.max_attempts,
            "when_unmet": step.when_unmet,
            "when_exhausted": step.when_exhausted,
        }
        for step in steps
    }
    for step in steps:
        patterns, options = condition(step)
        words = {"required": "if", "forbidden": "if_not"}
        settings[step.slug] |= {words[name]: pattern for name, pattern in patterns.items()} | options
        settings[step.slug] |= options_of(step.wait) | loop_options(step)
    flow = {**RETRIED_AT_ONCE, "run_timeout": run_timeout, "steps": settings}
    return plan_of(map(shape_of, steps), flow, [step.slug for step in steps])


def shape_of(step: Step) -> dict[str, Any]:
    """The step as the canonical structure words it."""
    shape: dict[str, Any] = {"slug": step.slug, "type": step.kind, "dependencies": sorted(step.deps)}
    if step.wait is not None:
        shape["kind"] = step.wait.what
    if step.max_rounds is not None:
        shape["kind"] = "loop"
    if step.array is not None:
        shape["array"] = step.array or "flow_input"
    if step.subflow is not None:
        shape |= {"kind": "subflow", "subflow": step.subflow.slug}
    return shape


def _read(value: Any) -> Any:
    return json.loads(text_of(value))
