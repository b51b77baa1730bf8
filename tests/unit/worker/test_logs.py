"""JSON log lines: always one line, always JSON, whatever handlers throw and log."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any

import pytest

from pgflow_runtime.worker import logs
from pgflow_runtime.worker.logs import JsonFormatter, TextFormatter
from pgflow_runtime.worker.logs.lines import Polls
from pgflow_runtime.worker.protocol.rows import TaskRow

ROW = TaskRow("retried", "f", "r-1", "s", 3, 2, "w", 7, None, None, 30, 9, 4)
IDS = {"flow": "f", "run": "r-1", "step": "s", "task": 3, "attempt": 2}


class Silent:
    def __str__(self) -> str:
        raise RuntimeError("says nothing")

    __repr__ = __str__


TEXTS = (
    "ValueError: two\nlines\r\n", "\u2028\u2029\x85", "nul \0 bell \a escape \x1b[31m", "half \ud800 a pair",
    '"quoted" \\ {"json": 1}', "100 %s of %d %(x)s", "\N{PILE OF POO}", "",
)  # fmt: skip

CALLS: dict[str, tuple[Callable[[str], None], dict[str, Any]]] = {
    "completed": (lambda _: logs.completed(ROW, 0.01234), {"outcome": "completed", "ms": 12.3}),
    "retried": (
        lambda text: logs.retried(ROW, text, 0.5),
        {"outcome": "retried", "ms": 500.0, "retry": 2, "most_retries": 3, "delay_s": 9},
    ),
    "again": (
        lambda text: Polls().asked(ROW, text, 0.5),
        {"outcome": "again", "ms": 500.0, "delay_s": 9},
    ),
    "failed": (lambda text: logs.failed(ROW, text, 1), {"outcome": "failed", "ms": 1000.0}),
    "skipped": (lambda text: logs.skipped(ROW, text, 1), {"outcome": "skipped", "ms": 1000.0}),
    "cancelled": (
        lambda text: logs.cancelled(ROW, text, 0.5),
        {"outcome": "cancelled", "ms": 500.0},
    ),
    "stale": (lambda _: logs.stale(ROW), {"outcome": "stale"}),
    "unreported": (lambda text: logs.unreported(ROW, text), {"outcome": "unreported"}),
    "late": (lambda _: logs.late(ROW, 2), {"outcome": "late", "ms": 2000.0}),
    "stuck": (
        lambda _: logs.stuck(ROW, False, True, 1, 2),
        {"outcome": "stuck", "stuck_slots": 1, "slots": 2},
    ),
}


@pytest.fixture
def records(monkeypatch: pytest.MonkeyPatch) -> list[logging.LogRecord]:
    found: list[logging.LogRecord] = []
    handler = logging.Handler()
    handler.emit = found.append  # type: ignore[method-assign, assignment]
    monkeypatch.setattr(logs.logger, "handlers", [handler])
    monkeypatch.setattr(logs.logger, "level", logging.DEBUG)
    logs.logger.manager._clear_cache()  # type: ignore[attr-defined]
    return found


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("name", CALLS)
def test_every_event_is_a_line_with_ids_and_outcome(
    records: list[logging.LogRecord], name: str, text: str
) -> None:
    call, wanted = CALLS[name]
    call(text)
    (record,) = records
    line = JsonFormatter().format(record)
    assert len(line.splitlines()) == 1
    event = json.loads(line)
    assert {key: event[key] for key in IDS} == IDS
    assert {key: event[key] for key in wanted} == wanted
    assert event["time"].endswith("Z")
    if name in ("retried", "failed", "skipped", "unreported"):
        assert event["error"] == text
    assert len(TextFormatter().format(record).split("\n")) == 1


def line_of(message: object, *values: object, **more: Any) -> str:
    record = logging.LogRecord(
        "pgflow.handler", logging.INFO, "x.py", 1, message, values, more.pop("exc", None)
    )
    for name, value in more.items():
        setattr(record, name, value)
    return JsonFormatter().format(record)


HOSTILE: dict[str, Callable[[], str]] = {
    "values that do not fit": lambda: line_of("%s and %s", 1),
    "a value that cannot be shown": lambda: line_of("%s", Silent()),
    "a message that cannot be shown": lambda: line_of(["a", {1, 2}]),
    "ids of other kinds": lambda: line_of("x", pgflow={"flow": Silent(), "run": {1}, 7: b"x", (1,): 2}),
    "not a number": lambda: line_of("x", pgflow_event={"ms": float("nan")}),
    "ids that are none": lambda: line_of("x", pgflow=7, pgflow_event="no"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_handlers_log_is_json_all_the_same(name: str) -> None:
    line = HOSTILE[name]()
    assert len(line.splitlines()) == 1
    event = json.loads(line, parse_constant=lambda text: pytest.fail(f"{text} is no JSON"))
    assert {"time", "level", "logger", "message"} <= event.keys()


def test_a_traceback_stays_in_its_line() -> None:
    try:
        raise ValueError("a\nb")
    except ValueError as error:
        line = line_of("failed", exc=(type(error), error, error.__traceback__))
    assert len(line.splitlines()) == 1
    assert "ValueError: a\nb" in json.loads(line)["exception"]
