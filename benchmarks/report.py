"""Results as text: ratios first, then medians with their spread."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from benchmarks.workloads.base import Result

LABELS = {
    "per_s": "per s",
    "worker_cpu_ms": "worker CPU ms",
    "server_cpu_ms": "server CPU ms",
    "commits": "commits",
    "wal_bytes": "WAL bytes",
    "hot_share": "HOT share",
    "seconds": "seconds",
    "others_percent": "others' CPU, %",
    "p50_ms": "p50, ms",
    "p99_ms": "p99, ms",
    "max_ms": "longest, ms",
    "beside_empty": "beside empty",
    "empty_per_s": "empty, per s",
    "p99_beside_empty": "p99 beside empty",
    "empty_p99_ms": "empty, p99, ms",
    "heartbeat_age_s": "oldest heartbeat, s",
    "both_cpu_percent": "both, % of a core",
    "worker_cpu_percent": "worker, %",
    "server_cpu_percent": "server, %",
    "commits_per_s": "commits a s",
    "sent_per_s": "sent, per s",
    "runs_verified": "runs, all verified",
}


@dataclass(frozen=True)
class Figure:
    """A metric over all repetitions of a subject."""

    values: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    def text(self) -> str:
        low, high = min(self.values), max(self.values)
        if len(self.values) == 1:
            return number(self.median)
        return f"{number(self.median)} ({number(low)}-{number(high)})"


def number(value: float) -> str:
    """Three digits that count, no exponent."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}" if value >= 0.001 or value == 0 else f"{value:.4f}"


def tables(results: Sequence[Result]) -> Iterable[str]:
    """A Markdown table for each workload; its first column of figures is a ratio to the first subject."""
    for workload in dict.fromkeys(result.workload for result in results):
        part = [result for result in results if result.workload == workload]
        yield from _table(workload, part)


def _table(workload: str, results: Sequence[Result]) -> Iterable[str]:
    subjects = list(dict.fromkeys(result.subject for result in results))
    metrics = list(dict.fromkeys(name for result in results for name in result.metrics))
    figures = {
        (subject, metric): Figure(values)
        for subject in subjects
        for metric in metrics
        if (
            values := tuple(
                r.metrics[metric] for r in results if r.subject == subject and metric in r.metrics
            )
        )
    }
    head = metrics[0]
    first = figures[subjects[0], head].median
    yield f"\n### {workload}\n"
    yield "| | ratio | " + " | ".join(LABELS.get(name, name) for name in metrics) + " |"
    yield "|" + "---|" * (len(metrics) + 2)
    for subject in subjects:
        cells = [figures[subject, name].text() if (subject, name) in figures else "" for name in metrics]
        ratio = f"{figures[subject, head].median / first:.3g} x" if first else ""
        yield f"| {subject} | {ratio} | " + " | ".join(cells) + " |"
