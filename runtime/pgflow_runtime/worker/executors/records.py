"""Lines of the log on their way from a process to its worker, which writes them where its own go."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

_formatter = logging.Formatter()


class RecordSender(logging.Handler):
    """Hands records over as they travel."""

    def __init__(self, send: Callable[[dict[str, Any]], None]) -> None:
        super().__init__()
        self._send = send

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._send(packed_record(record))
        except Exception:
            self.handleError(record)


def packed_record(record: logging.LogRecord) -> dict[str, Any]:
    """What a record holds; its exception as a text, and values that cannot travel as theirs."""
    fields = {**vars(record), "msg": _message(record), "args": None, "exc_info": None}
    if record.exc_info:
        fields["exc_text"] = _formatter.formatException(record.exc_info)
    return {name: value if _travels(value) else _text(value) for name, value in fields.items()}


def write(fields: dict[str, Any]) -> None:
    """Let a record that has arrived go its way through this process's loggers."""
    record = logging.makeLogRecord(fields)
    logger = logging.getLogger(record.name)
    if logger.isEnabledFor(record.levelno):
        logger.handle(record)


def levels() -> dict[str, int]:
    """What loggers of this process let pass, by their names, so that another need not send the rest."""
    loggers = logging.Logger.manager.loggerDict.items()
    found = {name: logger.level for name, logger in loggers if isinstance(logger, logging.Logger)}
    return {"": logging.getLogger().level, **{name: level for name, level in found.items() if level}}


def hand_over(levels: Mapping[str, int], send: Callable[[dict[str, Any]], None]) -> None:
    """Send what loggers say from now on; ``levels`` are those of the process that will write it."""
    logging.getLogger().handlers[:] = [RecordSender(send)]
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception as fault:
        return f"{record.msg!r} (its values cannot be shown: {type(fault).__name__})"


def _travels(value: object) -> bool:
    """Whether it is the same at the other end, which may not know the classes of handlers."""
    if isinstance(value, dict):
        return all(_travels(key) and _travels(each) for key, each in value.items())
    if isinstance(value, list | tuple):
        return all(map(_travels, value))
    return value is None or type(value) in (str, int, float, bool)


def _text(value: object) -> str:
    try:
        return str(value)
    except Exception as fault:
        return f"(cannot be shown: {type(fault).__name__})"
