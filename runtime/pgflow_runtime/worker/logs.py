"""What the worker says: one line an event, carrying the ids (``record.pgflow``), as text or JSON."""

from __future__ import annotations

import json
import logging
import sys
import time
from typing import Any, cast

from pgflow_runtime.worker.rows import TaskRow
from pgflow_runtime.worker_config import LogFormat, LogLevel

logger = logging.getLogger("pgflow.worker")


def set_up(format: LogFormat, level: LogLevel) -> None:
    """Write pgflow's log lines to stderr in this format, replacing what an earlier call set up."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if format == "json" else TextFormatter())
    root = logging.getLogger("pgflow")
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    root.propagate = False


class TextFormatter(logging.Formatter):
    """``12:30:01.250 INFO    completed in 12.3 ms  flow=crawl run=... step=fetch task=3 attempt=1``."""

    def format(self, record: logging.LogRecord) -> str:
        clock = time.strftime("%H:%M:%S", time.localtime(record.created))
        line = f"{clock}.{int(record.msecs):03d} {record.levelname:<7} {_one_line(record.getMessage())}"
        ids = _ids(record)
        if ids:
            line += "  " + " ".join(f"{key}={value}" for key, value in ids.items())
        if record.exc_info:
            line += "\n" + self.formatException(record.exc_info)
        return line


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time (ISO 8601, UTC), level, logger, message and the ids."""

    def format(self, record: logging.LogRecord) -> str:
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        fields: dict[str, Any] = {
            "time": f"{stamp}.{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **_ids(record),
        }
        if record.exc_info:
            fields["exception"] = self.formatException(record.exc_info)
        return json.dumps(fields, default=str)


def completed(row: TaskRow, seconds: float) -> None:
    if logger.isEnabledFor(logging.INFO):
        logger.info("completed in %.1f ms", seconds * 1000, extra={"pgflow": _row(row)})


def retried(row: TaskRow, message: str, seconds: float) -> None:
    _outcome(
        logging.WARNING,
        row,
        "retry %s/%s in %s s, failed after %.1f ms: %s",
        row.attempt,
        (row.max_attempts or 1) - 1,
        row.delay,
        seconds * 1000,
        _first_line(message),
    )


def failed(row: TaskRow, message: str, seconds: float) -> None:
    _outcome(logging.ERROR, row, "failed after %.1f ms: %s", seconds * 1000, message)


def skipped(row: TaskRow, message: str, seconds: float) -> None:
    _outcome(
        logging.WARNING, row, "failed after %.1f ms, step skipped: %s", seconds * 1000, _first_line(message)
    )


def stale(row: TaskRow) -> None:
    _outcome(
        logging.WARNING, row, "result refused: the task has gone to another attempt, or is stored already"
    )


def unreported(row: TaskRow, reason: str) -> None:
    """The database would not take the task's outcome; it is recovered after its timeout."""
    _outcome(logging.ERROR, row, "outcome could not be reported: %s", reason)


def late(row: TaskRow, seconds: float) -> None:
    _outcome(logging.WARNING, row, "handler ended after %.1f s, too late: its result is discarded", seconds)


def stuck(row: TaskRow, is_async: bool, count: int, total: int) -> None:
    why = "swallows its cancellation" if is_async else "a thread cannot be stopped"
    _outcome(
        logging.ERROR,
        row,
        "handler goes on after its timeout of %s s (%s) and keeps its slot; %s of %s slots are stuck",
        row.timeout,
        why,
        count,
        total,
    )


def _outcome(level: int, row: TaskRow, text: str, *values: object) -> None:
    logger.log(level, text, *values, extra={"pgflow": _row(row)})


def _row(row: TaskRow) -> dict[str, str | int]:
    return {
        "flow": row.flow_slug,
        "run": row.run_id,
        "step": row.step_slug,
        "task": row.task_index,
        "attempt": row.attempt,
    }


def _ids(record: logging.LogRecord) -> dict[str, Any]:
    ids = getattr(record, "pgflow", None)
    return cast("dict[str, Any]", ids) if isinstance(ids, dict) else {}


def _first_line(text: str) -> str:
    return text.partition("\n")[0]


def _one_line(text: str) -> str:
    """Line breaks as ``\\n``, so that an event stays one line."""
    return text if "\n" not in text and "\r" not in text else text.replace("\r", "\\r").replace("\n", "\\n")
