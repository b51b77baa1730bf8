"""Runs that start one another and can be undone, and operators who interfere: what must be true at any time.

`--model-flows N` tells more histories, `--model-seed N` others. A failure names its seed.
"""

from __future__ import annotations

from contextlib import suppress
from random import Random
from uuid import UUID

import psycopg
import pytest
from psycopg.types.json import Jsonb

from pgflow_runtime.testing.engine.companions import Companions
from tests.support.batch import claim, complete, fail, register
from tests.support.core import Core, Row
from tests.support.random_flows import define, random_family, random_input, random_output
from tests.support.timers import fire
from tests.support.undo_flows import assert_undone, options_of, random_companions
from tests.support.undo_flows import define as define_companions

BATCH = 5


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    first, count = metafunc.config.getoption("--model-seed"), metafunc.config.getoption("--model-flows")
    last = first + (count + 3) // 4  # they take longer than others
    ranges = [range(n, min(n + BATCH, last)) for n in range(first, last, BATCH)]
    metafunc.parametrize("seeds", ranges, ids=[f"{seeds[0]}-{seeds[-1]}" for seeds in ranges])


def test_generations(core: Core, seeds: range) -> None:
    for seed in seeds:
        with core.connection.transaction(force_rollback=True):
            try:
                History(core, seed).tell()
            except Exception as error:
                raise AssertionError(f"seed {seed}: {error}") from error


class History:
    """A few runs of "f", those they start, and what is undone of any."""

    def __init__(self, core: Core, seed: int) -> None:
        self.core = core
        self.random = Random(f"generations {seed}")
        self.flows = random_family(self.random, most=6)
        while not any(step.subflow and step.subflow.slug in self.flows for step in self.flows["f"]):
            self.flows = random_family(self.random, most=6)
        self.deps = {slug: {step.slug: step.deps for step in steps} for slug, steps in self.flows.items()}
        self.companions: dict[str, Companions] = {}
        for slug, steps in self.flows.items():
            define(core, slug, steps)
            maps = [step.slug for step in steps if step.kind == "map"]
            found = self.companions[slug] = random_companions(self.random, steps, slug)
            core.call("alter_flow", flow_slug=slug, base_delay=0, options=Jsonb(options_of(found)))
            define_companions(core, slug, found, self.deps[slug], maps)
        self.own = [row.flow_slug for row in core.rows("select flow_slug from pgflow.flows order by 1")]
        self.workers = {slug: register(core, slug) for slug in self.own}
        self.trouble = self.random.choice((0.1, 0.4))
        self.control = self.random.choice((0.05, 0.2))
        self.undo_trouble = self.random.choice((0.0, 0.0, 0.2))
        self.open: list[Row] = []
        self.log: list[object] = []
        self.seen: set[UUID] = set()
        """Undos that have begun."""
        for _ in range(self.random.choice((1, 2))):
            core.start_flow("f", random_input(self.random, self.flows["f"]))

    def tell(self) -> None:
        for _ in range(self.random.choice((40, 120))):
            self.turn()
        self.control = self.undo_trouble = 0.0
        self.core.call("release_runs", run_ids=self.runs())
        for _ in range(600):
            if not self.turn():
                break
        else:
            raise AssertionError(f"there is no end: {self.log[-30:]}")
        self.promise()

    def runs(self, where: str = "true") -> list[UUID]:
        return [row.run_id for row in self.core.rows(f"select run_id from pgflow.runs where {where}")]

    def turn(self) -> bool:
        choice = self.random.random()
        if choice < self.control:
            self.interfere()
            return True
        if self.open and choice < 0.6:
            self.end(self.open.pop(self.random.randrange(len(self.open))))
            return True
        if choice < 0.8 and self.claim():
            return True
        if self.fire():
            return True
        if self.claim():
            return True
        if self.open:
            self.end(self.open.pop(self.random.randrange(len(self.open))))
            return True
        return self.pass_time()

    def claim(self) -> bool:
        flows = self.random.sample(self.own, len(self.own))
        most = self.random.choice((1, 3, 20))
        tasks = claim(self.core, *((self.workers[slug], slug) for slug in flows), max_tasks=most)
        self.open += tasks
        self.log.append(("claim", [(task.flow_slug, task.step_slug, task.attempt) for task in tasks]))
        return bool(tasks)

    def end(self, task: Row) -> None:
        is_undo = "__" in task.flow_slug
        if self.random.random() < (self.undo_trouble if is_undo else self.trouble):
            rows = fail(self.core, [task], ["boom"])
        else:
            steps = self.flows.get(task.flow_slug)
            output = None if steps is None else random_output(self.random, steps, task.step_slug)
            step = next((one for one in steps or () if one.slug == task.step_slug), None)
            if step is not None and step.subflow is not None and step.subflow.slug in self.flows:
                output = random_input(self.random, self.flows[step.subflow.slug])
            rows = complete(self.core, [task], [output])
        self.log.append(
            ("end", str(task.run_id)[-4:], task.flow_slug, task.step_slug, [r.outcome for r in rows])
        )

    def fire(self) -> bool:
        found = fire(self.core, self.random.choice((1, 3, 100)))
        assert found.failed_count == 0, self.core.rows("select * from pgflow.timers where failures > 0")
        self.promise_order()
        return bool(found.fired_count)

    def pass_time(self) -> bool:
        """Nothing goes on by itself just now."""
        due = self.core.rows("select * from pgflow.timers where due_at < 'infinity'")
        self.core.run_sql(
            """update pgflow.timers set due_at = clock_timestamp(), tried_at = null
               where due_at = (select min(due_at) from pgflow.timers)"""
        )
        self.core.run_sql("update pgflow.ended_children set tried_at = null")
        signals = self.core.rows("select * from pgflow.waiting_signals")
        for row in signals:
            steps = self.flows[row.flow_slug]
            payload = random_output(self.random, steps, row.step_slug, violate=0.0)
            self.core.rows(
                "select * from pgflow.send_signals(array[%s]::uuid[], array[%s], array[%s]::jsonb[])",
                row.run_id, row.step_slug, Jsonb(payload),
            )  # fmt: skip
        self.log.append(("time", [(row.kind, row.flow_slug) for row in due], len(signals)))
        return bool(due or signals)

    def interfere(self) -> None:
        runs = self.runs()
        chosen = self.random.sample(runs, min(len(runs), self.random.choice((1, 1, 2, 5))))
        what = self.random.choice(("cancel", "cancel", "retry", "retry", "hold", "release", "fork"))
        if what == "cancel":
            rows = self.core.call("cancel_runs", run_ids=chosen, reason="enough")
        elif what == "retry":
            options = Jsonb({"even_if_undone": self.random.random() < 0.5})
            rows = self.core.call("retry_runs", run_ids=chosen, options=options)
        elif what == "fork":
            run = self.core.run(chosen[0])
            if run.flow_slug not in self.flows:
                return
            step = self.random.choice(self.flows[run.flow_slug]).slug
            self.log.append((what, str(run.run_id)[-4:], step))
            with suppress(psycopg.Error), self.core.connection.transaction():
                self.core.call("fork_run", run_id=run.run_id, from_steps=[step])  # may be refused
            return
        else:
            rows = self.core.call(f"{what}_runs", run_ids=chosen)
        self.log.append((what, [(str(row.run_id)[-4:], row.outcome) for row in rows]))

    def promise(self) -> None:
        left = self.core.rows("select flow_slug, run_id, status from pgflow.runs where status = 'started'")
        assert not left, f"these do not end: {left}: {self.log[-40:]}"
        for table in ("timers", "ended_children", "waiting_signals"):
            rows = self.core.rows(f"select * from pgflow.{table}")
            assert not rows, f"left in {table}: {rows}"
        for run_id in self.runs():
            flow = self.core.run(run_id).flow_slug
            if flow in self.flows:
                assert_undone(self.core, self.companions[flow], self.deps[flow], run_id)

    def promise_order(self) -> None:
        """Nothing of a run is undone while a child of it goes on, or is being undone."""
        for row in self.core.rows("select * from pgflow.origins where kind = 'undo'"):
            if row.run_id in self.seen:
                continue
            self.seen.add(row.run_id)
            early = self.core.rows(
                """select k.run_id, c.flow_slug
                   from pgflow.origins k
                   left join pgflow.origins u on u.from_run_id = k.run_id and u.kind = 'undo'
                   join pgflow.runs c on c.run_id in (k.run_id, u.run_id)
                   where k.from_run_id = %s and k.kind = 'child' and c.status = 'started'""",
                row.from_run_id,
            )
            assert not early, f"undo {row.run_id} has begun before {early}: {self.log[-40:]}"
