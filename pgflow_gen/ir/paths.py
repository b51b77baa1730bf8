"""Paths into a run's data, as written: ``"flow_input.order_id"``, ``"charge.due"``."""

from __future__ import annotations

from typing import Final

FLOW_INPUT: Final = "flow_input"
"""What a path into the run's input begins with; any other begins with a step's slug."""


def path_keys(text: str) -> tuple[str, ...]:
    """The names between the dots. A key that has a dot in itself cannot be written."""
    return tuple(text.split("."))
