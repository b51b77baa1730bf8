"""The chain beside a backlog: tasks of another flow that wait for their time, and workers that died.

Whatever looks after things every few seconds (recovery, signs of life, the queues' figures) must not notice
what merely waits. So the same is measured twice in a row, without the backlog and with it: a drained backlog
of chains, and chains one after the other from start to result.
"""

from __future__ import annotations

import statistics
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg

from benchmarks.bench import Bench, Session, Subject
from benchmarks.workloads.base import Result, Size
from benchmarks.workloads.chain import drain

DEAD_WORKERS = 100
SETTLING = 1.0
"""Seconds after the worker's start until its heartbeat is watched."""
_AGE = """
select extract(epoch from clock_timestamp() - min(last_heartbeat_at))::float
from pgflow.workers where beats and stopped_at is null and queue_name = 'chain'
"""


@dataclass(frozen=True)
class Backlog:
    size: Size
    unit: str = "step"

    @property
    def name(self) -> str:
        return f"backlog, {self.size.backlog:,} delayed tasks of another flow and {DEAD_WORKERS} dead workers"

    def suits(self, subject: Subject) -> bool:
        return subject.engine.name == "ours" and subject.setting == subject.engine.settings[-1]

    def measure(self, bench: Bench, subject: Subject) -> list[Result]:
        with bench.session(subject) as session:
            alone = self._measure(session)
        with bench.session(subject) as session:
            session.driver.ask("pile_up", flow="waiting", count=self.size.backlog, dead_workers=DEAD_WORKERS)
            beside = self._measure(session)
        ratios = {
            "beside_empty": beside["per_s"] / alone["per_s"],
            "p99_beside_empty": beside["p99_ms"] / alone["p99_ms"],
            "empty_per_s": alone["per_s"],
            "empty_p99_ms": alone["p99_ms"],
        }
        return [Result(self.name, subject.name, ratios | beside)]

    def _measure(self, session: Session) -> dict[str, float]:
        rate = drain(session, "chain", self.size.of(session.subject.engine.chains, 4))
        with session.workers("chain"), watched_heartbeat(session.dsn) as ages:
            answer = session.driver.ask(
                "latency", count=self.size.of(1000, 20), gap=[0.0, 0.02], warm_up=20, flow="chain"
            )
        taken = sorted(answer["ms"])
        return rate | {
            "p50_ms": statistics.median(taken),
            "p99_ms": taken[min(len(taken) - 1, int(len(taken) * 0.99))],
            "heartbeat_age_s": max(ages, default=0.0),
        }


@contextmanager
def watched_heartbeat(dsn: str) -> Iterator[list[float]]:
    """How old the chain's workers' oldest heartbeat is, in seconds, twice a second and once at the end."""
    ages: list[float] = []
    over = threading.Event()

    def look(connection: psycopg.Connection[tuple[float | None]]) -> None:
        row = connection.execute(_AGE).fetchone()
        if row is not None and row[0] is not None:
            ages.append(row[0])

    def watch() -> None:
        with psycopg.connect(dsn, autocommit=True) as connection:
            over.wait(SETTLING)
            while not over.wait(0.5):
                look(connection)
            look(connection)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield ages
    finally:
        over.set()
        thread.join()
