"""A line of the log as text or JSON, with the ids of its task (``record.pgflow``)."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, cast

from pgflow_runtime.secrets import hidden


class TextFormatter(logging.Formatter):
    """``12:30:01.250 INFO    completed in 12.3 ms  flow=crawl run=... step=fetch task=3 attempt=1``.

    On a terminal what has several lines, such as a traceback, keeps them, and the ids stand in the first.
    """

    def __init__(self, *, is_terminal: bool = False) -> None:
        super().__init__()
        self._is_terminal = is_terminal

    def format(self, record: logging.LogRecord) -> str:
        clock = _clock(int(record.created))
        message, rest = _message(record), ""
        if self._is_terminal:
            message, _, rest = message.partition("\n")
        line = f"{clock}.{int(record.msecs):03d} {record.levelname:<7} {_one_line(message)}"
        ids = _ids(record)
        if ids:
            line += "  " + " ".join(f"{key}={value}" for key, value in ids.items())
        if rest:
            line += "\n" + rest.replace("\r", "\\r")
        if exception := _exception(self, record):
            line += "\n" + exception
        return hidden(line)


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time (ISO 8601, UTC), level, logger, message, the ids and what happened."""

    def format(self, record: logging.LogRecord) -> str:
        stamp = _stamp(int(record.created))
        fields: dict[str, Any] = {
            "time": f"{stamp}.{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _message(record),
            **_ids(record),
            **_event(record),
        }
        if exception := _exception(self, record):
            fields["exception"] = exception
        try:
            return hidden(json.dumps(fields, default=_text, allow_nan=False, skipkeys=True))
        except (ValueError, RecursionError):  # somebody else's values in the place of ours
            return hidden(json.dumps({key: _text(value) for key, value in fields.items()}))


@lru_cache(maxsize=4)
def _clock(second: int) -> str:
    return time.strftime("%H:%M:%S", time.localtime(second))


@lru_cache(maxsize=4)
def _stamp(second: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))


def _ids(record: logging.LogRecord) -> dict[str, Any]:
    ids = getattr(record, "pgflow", None)
    return cast("dict[str, Any]", ids) if isinstance(ids, dict) else {}


def _event(record: logging.LogRecord) -> dict[str, Any]:
    """What happened to a task, for machines; the message says it to people."""
    event = getattr(record, "pgflow_event", None)
    return dict(event) if isinstance(event, Mapping) else {}


def _exception(formatter: logging.Formatter, record: logging.LogRecord) -> str | None:
    """The traceback of an exception; one from another process is a text already."""
    return formatter.formatException(record.exc_info) if record.exc_info else record.exc_text


def _message(record: logging.LogRecord) -> str:
    """The message, also of a handler whose values cannot be made a text."""
    try:
        return record.getMessage()
    except Exception as fault:
        return f"{record.msg!r} (its values cannot be shown: {type(fault).__name__})"


def _text(value: object) -> str:
    try:
        return str(value)
    except Exception as fault:
        return f"(cannot be shown: {type(fault).__name__})"


def _one_line(text: str) -> str:
    """Line breaks as ``\\n``, so that an event stays one line."""
    return text if "\n" not in text and "\r" not in text else text.replace("\r", "\\r").replace("\n", "\\n")
