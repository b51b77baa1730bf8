"""How much a command tells beside its result and its errors: ``--quiet`` nothing, ``--verbose`` more."""

from __future__ import annotations

from typing import Literal, TypeAlias

Verbosity: TypeAlias = Literal["quiet", "normal", "verbose"]

_chosen: Verbosity = "normal"


def choose(verbosity: Verbosity) -> None:
    """From now on, in this process."""
    global _chosen
    _chosen = verbosity


def is_quiet() -> bool:
    return _chosen == "quiet"


def is_verbose() -> bool:
    return _chosen == "verbose"
