"""What the handler of a loop returns to be called again."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Any, Generic, TypeVar, overload

from pgflow_runtime.dsl.retry_control import LONGEST_DELAY

S = TypeVar("S")


class Again(Generic[S]):
    """Run this step again, later, with this state: what a handler of ``@flow.loop`` returns to go on.

    It is no failure and counts as no attempt; the state is stored, and the next round receives it in its
    parameter ``state``.

    Args:
        state: JSON, of the type that the handler's ``Again[S]`` names; nothing for ``Again[None]``.
        after: seconds until the next round, or a ``timedelta``, a year at most; fractions are kept.
            Without it, the loop's ``every``.

    Raises:
        ValueError: ``after`` is negative, not finite, or more than a year.
    """

    __slots__ = ("after", "state")

    @overload
    def __init__(
        self: Again[None], state: None = None, *, after: float | timedelta | None = None
    ) -> None: ...
    @overload
    def __init__(self, state: S, *, after: float | timedelta | None = None) -> None: ...
    def __init__(self, state: Any = None, *, after: float | timedelta | None = None) -> None:
        self.state = state
        self.after = None if after is None else _seconds(after)

    def __repr__(self) -> str:
        after = "" if self.after is None else f", after={self.after:g}"
        return f"Again({self.state!r}{after})"


def _seconds(after: float | timedelta) -> float:
    seconds = after.total_seconds() if isinstance(after, timedelta) else float(after)
    if not math.isfinite(seconds) or seconds < 0:
        raise ValueError(f"Again(after=...) takes a number of seconds from now, not {after!r}")
    if seconds > LONGEST_DELAY:
        raise ValueError(
            f"Again(after=...) waits for a year at most ({LONGEST_DELAY:,} seconds), not {after!r}"
        )
    return seconds
