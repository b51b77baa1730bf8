"""A worker's numbers in the text format of Prometheus (exposition format 0.0.4)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from pgflow_runtime.worker.monitoring.metrics import Histogram, Metrics

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

Labels: TypeAlias = Mapping[str, str]
_ESCAPES: Final = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


@dataclass(frozen=True, slots=True)
class Family:
    """A metric with all its samples. ``kind`` is counter or gauge."""

    name: str
    kind: str
    help: str
    samples: Iterable[tuple[Labels, float]]


def exposition(metrics: Metrics, families: Iterable[Family]) -> str:
    """The whole text: what was counted, and further families."""
    lines: list[str] = []
    for family in [_tasks(metrics), *families]:
        lines += _head(family.name, family.kind, family.help)
        lines += [_sample(family.name, labels, value) for labels, value in family.samples]
    lines += _histograms(
        "pgflow_task_duration_seconds",
        "How long handlers took.",
        {(("flow", flow), ("step", step)): found for (flow, step), found in list(metrics.durations.items())},
    )
    lines += _histograms(
        "pgflow_call_duration_seconds",
        "Round trips to the database.",
        {(("call", call),): found for call, found in list(metrics.calls.items())},
    )
    lines += _histograms(
        "pgflow_call_tasks",
        "Tasks that a call to the database moved.",
        {(("call", call),): found for call, found in list(metrics.batches.items())},
    )
    return "\n".join(lines) + "\n"


def _tasks(metrics: Metrics) -> Family:
    samples = [
        ({"flow": flow, "step": step, "outcome": outcome}, float(count))
        for (flow, step, outcome), count in list(metrics.tasks.items())
    ]
    return Family("pgflow_tasks_total", "counter", "Attempts at tasks that are over, by outcome.", samples)


def _histograms(
    name: str, help: str, found: Mapping[tuple[tuple[str, str], ...], Histogram]
) -> Iterator[str]:
    yield from _head(name, "histogram", help)
    for key, histogram in found.items():
        labels = dict(key)
        count = 0
        bounds = [*map(_number, histogram.bounds), "+Inf"]
        for bound, more in zip(bounds, list(histogram.counts), strict=True):
            count += more
            yield _sample(f"{name}_bucket", {**labels, "le": bound}, count)
        yield _sample(f"{name}_sum", labels, histogram.total)
        yield _sample(f"{name}_count", labels, count)


def _head(name: str, kind: str, help: str) -> list[str]:
    return [f"# HELP {name} {help}", f"# TYPE {name} {kind}"]


def _sample(name: str, labels: Labels, value: float) -> str:
    inside = ",".join(f'{key}="{text.translate(_ESCAPES)}"' for key, text in labels.items())
    return f"{name}{{{inside}}} {_number(value)}" if inside else f"{name} {_number(value)}"


def _number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else repr(float(value))
