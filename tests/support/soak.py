"""Runs of the flow ``soak`` (trust_flows.py), what must come of them, and what must be true then."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from tests.support.core import Core, connect
from tests.support.invariants import assert_sound
from tests.support.wait import eventually
from tests.support.worker_lab import Lab

DOOMS = ("none", "none", "flaky", "flaky", "fragile", "cascade", "run")
MOST_STALLED = 0.02
"""Share of runs that may end because a task was met by four kills, a rule of the core and no fault."""


def expected(order: dict[str, Any]) -> dict[str, Any] | None:
    """The output of a run; None when it must fail. Written without a look at the handlers' helpers."""
    if order["doom"] == "run":
        return None
    first, size = order["seed"] % 1009, order["size"]
    report: dict[str, Any] = {
        "total": sum((first + n) * 7 % 1009 for n in range(size)) + size * (size - 1) // 2,
        "gift": f"gift {order['seed']}" if order["vip"] else "none",
        "fragile": -size if order["doom"] == "fragile" else size,
    }
    return {"report": report} if order["doom"] == "cascade" else {"report": report, "follow": first + 1}


@dataclass
class Soak:
    """Starts runs in a lab's database and judges them at the end."""

    lab: Lab
    random: Random
    orders: dict[str, dict[str, Any]] = field(default_factory=dict)
    stalled: set[str] = field(default_factory=set)

    @property
    def log(self) -> Path:
        return self.lab.folder / "attempts"

    def order(self) -> dict[str, Any]:
        return {
            "log": str(self.log),
            "seed": self.random.randrange(1_000_000),
            "size": self.random.choice((0, 1, 3, 5, 8)),
            "doom": self.random.choice(DOOMS),
            "vip": self.random.random() < 0.5,
        }

    def start(self, count: int) -> None:
        """Start runs in one call."""
        orders = [self.order() for _ in range(count)]
        rows = self.lab.sql(
            "select run_id::text from pgflow.start_flows('soak', %s::jsonb[])", list(map(json.dumps, orders))
        )
        self.adopt((row["run_id"], order) for row, order in zip(rows, orders, strict=True))

    def adopt(self, runs: Iterator[tuple[str, dict[str, Any]]]) -> None:
        """Take in runs that somebody else has started."""
        self.orders.update(runs)

    def open(self) -> int:
        (row,) = self.lab.sql("select count(*) as count from pgflow.runs where status = 'started'")
        return int(row["count"])

    def until_ended(self, timeout: float = 60) -> None:
        eventually(lambda: self.open() == 0, timeout)

    # -- what must be true afterwards

    def check(self, *, released: bool = False, may_miss_events: bool = False) -> None:
        """Every run ended as it must, nothing happened twice, nothing is left over.

        ``released``: workers were stopped in good order and gave tasks back; such an attempt does not
        count, and begins again under its number. ``may_miss_events``: see ``assert_sound``.
        """
        self._check_runs()
        self._check_attempts(released)
        assert self.lab.sql("select * from trust.faults limit 20") == []
        assert self.lab.sql("select * from pgmq.q_soak limit 20") == []
        # tasks of runs that failed and steps that were skipped under them are of no interest to anybody
        left = """select t.* from pgflow.step_tasks t join pgflow.step_states s using (run_id, step_slug)
                  join pgflow.runs r using (run_id) where t.status in ('queued', 'started')
                  and r.status <> 'failed' and s.status <> 'skipped' limit 20"""
        assert self.lab.sql(left) == []
        with connect(self.lab.dsn) as connection:
            assert_sound(Core(connection), may_miss_events=may_miss_events)

    def _check_runs(self) -> None:
        rows = self.lab.sql("select run_id::text, status, output from pgflow.runs where flow_slug = 'soak'")
        assert {row["run_id"] for row in rows} == self.orders.keys()
        self.stalled = {
            row["run_id"]
            for row in self.lab.sql(
                "select distinct run_id::text from pgflow.step_tasks where permanently_stalled_at is not null"
            )
        }
        assert len(self.stalled) <= max(1, MOST_STALLED * len(rows)), self.stalled
        wrong = []
        for row in rows:
            wanted = expected(self.orders[row["run_id"]])
            status = "failed" if wanted is None else "completed"
            if row["run_id"] not in self.stalled and (row["status"], row["output"]) != (status, wanted):
                wrong.append((row, wanted))
        assert wrong == []

    def _check_attempts(self, released: bool) -> None:
        tasks = self.lab.sql(
            """select t.run_id::text, t.step_slug, t.task_index, t.status, t.attempts_count, t.requeued_count,
                 t.error_message, coalesce(s.opt_max_attempts, f.opt_max_attempts) + t.forgiven_count as most
               from pgflow.step_tasks t join pgflow.steps s using (flow_slug, step_slug)
               join pgflow.flows f using (flow_slug) where t.flow_slug = 'soak'"""
        )
        begun = Counter(self.attempts())
        twice = [attempt for attempt, times in begun.items() if times > 1]
        assert released or twice == [], "attempts that began twice"
        for task in tasks:
            place = (task["run_id"], task["step_slug"], str(task["task_index"]))
            assert task["attempts_count"] <= task["most"] + task["requeued_count"], task
            assert task["requeued_count"] <= 3, task
            assert released or (*place, str(task["attempts_count"] + 1)) not in begun, task
            if task["status"] == "completed":
                assert (*place, str(task["attempts_count"])) in begun, task
            if task["status"] == "failed" and "always fails" in task["error_message"]:
                assert task["attempts_count"] == task["most"] + task["requeued_count"], task

    def pids(self) -> set[str]:
        """The processes that have begun attempts."""
        return {line.split()[4] for line in self._lines()}

    def attempts(self) -> list[tuple[str, ...]]:
        """Every attempt that a handler has begun: run, step, task, attempt."""
        return [tuple(line.split()[:4]) for line in self._lines()]

    def _lines(self) -> list[str]:
        return self.log.read_text(encoding="ascii").splitlines() if self.log.exists() else []


DEPENDENCIES: dict[str, tuple[str, ...]] = {
    "plan": (),
    "items": ("plan",),
    "weigh": ("items",),
    "polish": ("weigh",),
    "total": ("polish",),
    "gift": (),
    "fragile": ("plan",),
    "brittle": ("plan",),
    "follow": ("brittle",),
    "doomed": ("plan",),
    "report": ("total", "doomed", "gift", "fragile"),
}


def check_events(order: dict[str, Any], events: Sequence[tuple[str, str | None]]) -> None:
    """What a client was told of one run: complete, nothing twice, causes before effects."""
    assert len(set(events)) == len(events), events
    end = "run:failed" if order["doom"] == "run" else "run:completed"
    assert (events[0], events[-1]) == (("run:started", None), (end, None)), events
    ends = {slug: name for name, slug in events if name in ("step:completed", "step:failed", "step:skipped")}
    if end == "run:completed":
        skipped = {"gift"} if not order["vip"] else set()
        skipped |= {"fragile": {"fragile"}, "cascade": {"brittle", "follow"}}.get(order["doom"], set())
        assert ends == {
            slug: "step:skipped" if slug in skipped else "step:completed" for slug in DEPENDENCIES
        }
    else:
        assert ends["doomed"] == "step:failed", events
    place = {event: position for position, event in enumerate(events)}
    for name, slug in events:
        if slug is None:
            continue
        if name != "step:started" and ("step:started", slug) in place:
            assert place["step:started", slug] < place[name, slug], events
        if name in ("step:started", "step:completed"):
            for parent in DEPENDENCIES[slug]:
                assert place[ends[parent], parent] < place[name, slug], (parent, slug, events)
