"""Where the lines go, in which format, and whose are shown."""

from __future__ import annotations

import logging
import sys
import warnings
from collections.abc import Iterable
from pathlib import Path

from pgflow_runtime.loggers import lasting
from pgflow_runtime.worker.logs.formatters import JsonFormatter, TextFormatter
from pgflow_runtime.worker.logs.log_config import apply_log_config, takes_over
from pgflow_runtime.worker.logs.unbuffered import unbuffered
from pgflow_runtime.worker_config import LogFormat, LogLevel


class _Ours:
    """What was set up in this process: by a later call only what nobody has changed meanwhile."""

    handler: logging.Handler | None = None
    config: str = ""


def set_up(format: LogFormat, level: LogLevel, log_config: str = "") -> None:
    """Write pgflow's log lines to stderr in this format, replacing what an earlier call set up.

    So are warnings of other libraries, unless the program has set logging up for them. ``log_config``: a
    file with a configuration of the user's own; where that has handlers for all lines, ours go there too.

    Raises:
        UsageError: the file cannot be used.
    """
    stream = unbuffered(sys.stderr)
    formatter = JsonFormatter() if format == "json" else TextFormatter(is_terminal=sys.stderr.isatty())
    others = logging.StreamHandler(stream)
    others.setFormatter(formatter)
    logging.lastResort = others
    _hear_warnings(others)
    root = lasting("pgflow")
    if _Ours.handler is None or _Ours.handler in root.handlers:
        _Ours.handler = logging.StreamHandler(stream)
        _Ours.handler.setFormatter(formatter)
        root.handlers[:] = [_Ours.handler]
        root.setLevel(level.upper())
        root.propagate = False
    if log_config and log_config != _Ours.config:
        _Ours.config = log_config
        if takes_over(apply_log_config(Path(log_config))):
            root.handlers.clear()
            root.propagate = True


def _hear_warnings(others: logging.Handler) -> None:
    """Python's warnings are lines like any other, unless the program shows them in its own way."""
    if warnings.showwarning.__module__ == "warnings":
        logging.captureWarnings(True)
    python = lasting("py.warnings")
    if not python.handlers:  # capturing adds a handler that is silent, which keeps the last resort away
        python.addHandler(_LastResort(others))


class _LastResort(logging.Handler):
    """Hands lines to another handler where the program has none for all loggers."""

    def __init__(self, target: logging.Handler) -> None:
        super().__init__()
        self._target = target

    def emit(self, record: logging.LogRecord) -> None:
        if not logging.getLogger().handlers:
            record.msg, record.args = record.getMessage().rstrip("\n"), None
            self._target.handle(record)


def show(modules: Iterable[str], level: LogLevel) -> None:
    """Show what the loggers of these top-level modules say from a level on, unless they have their own.

    Others say warnings only, as Python has it.
    """
    for name in modules:
        theirs = logging.getLogger(name)
        if theirs.level == logging.NOTSET:
            theirs.setLevel(level.upper())
