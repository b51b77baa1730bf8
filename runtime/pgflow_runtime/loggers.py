"""Loggers that go on speaking when a program configures logging for itself.

``logging.config.dictConfig`` and ``fileConfig`` disable, unless told otherwise, every logger that exists
already: a module of flows that sets logging up would silence the worker that imports it.
"""

from __future__ import annotations

import logging


class _Lasting:
    """A logger that cannot be disabled; levels and handlers are heeded as with any other."""

    @property
    def disabled(self) -> bool:
        return False

    @disabled.setter
    def disabled(self, value: bool) -> None:
        return


def lasting(name: str) -> logging.Logger:
    """The logger of this name, made so that no configuration of others disables it."""
    found = logging.getLogger(name)
    kind = type(found)
    if not issubclass(kind, _Lasting):
        found.__class__ = type(kind.__name__, (_Lasting, kind), {})
    return found
