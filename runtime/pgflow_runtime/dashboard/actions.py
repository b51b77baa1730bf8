"""What people can do to runs, in words: a button's, a question's, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, LiteralString

from pgflow_runtime.dashboard import text
from pgflow_runtime.database import queries
from pgflow_runtime.runs.outcomes import UNCHANGED


@dataclass(frozen=True, slots=True)
class RunAction:
    """One thing that can be done to runs: its words, and the core's calls for ids and for a filter."""

    name: str
    """What addresses, the core and buttons call it."""
    done: str
    """What the core says of a run it was done to."""
    by_id: LiteralString
    by_filter: LiteralString
    statuses: tuple[str, ...]
    """Which runs it is for."""
    says: str
    """What it means, for who is asked whether it shall be done."""

    def can_change(self, run: Mapping[str, Any]) -> bool:
        """Whether it would do something to a run as it is now."""
        if run["status"] not in self.statuses:
            return False
        if self.name in ("hold", "release"):
            return bool(run["held_at"] is None) is (self.name == "hold")
        return True


ACTIONS: Final = {
    action.name: action
    for action in (
        RunAction(
            "retry",
            "retried",
            queries.RETRY_RUNS,
            queries.RETRY_WHERE,
            ("failed", "cancelled"),
            "What was completed stays; the rest is done anew under the same id, with fresh attempts.",
        ),
        RunAction(
            "cancel",
            "cancelled",
            queries.CANCEL_RUNS,
            queries.CANCEL_WHERE,
            ("started",),
            "Nothing more is begun, handlers at work are told, and late results change nothing.",
        ),
        RunAction(
            "hold",
            "held",
            queries.HOLD_RUNS,
            queries.HOLD_WHERE,
            ("started",),
            "Nothing more is begun until the runs are released. What is being done ends as always.",
        ),
        RunAction(
            "release",
            "released",
            queries.RELEASE_RUNS,
            queries.RELEASE_WHERE,
            ("started",),
            "What was held goes on.",
        ),
    )
}

LONGEST_COUNT: Final = 12
"""Digits."""

OUTCOMES: Final = {
    "cancelled": "This run was cancelled.",
    "retried": "This run goes on: what had not been completed is done anew.",
    "held": "This run is held: nothing more of it is begun until it is released.",
    "released": "This run was released and goes on.",
    "forked": "This is the new run.",
    **{word: f"Nothing was done: the run {why}." for word, why in UNCHANGED.items()},
    "paused": "This flow is paused: no task of it is begun until it is resumed.",
    "resumed": "This flow was resumed.",
    "paused_before": "Nothing was done: the flow was paused already.",
    "resumed_before": "Nothing was done: the flow was not paused.",
}
"""By what came of an action: the sentence its page says. Addresses carry the keys."""


def bulk_sentence(done: str | None, count: str | None) -> str | None:
    """What came of an action on many runs, as the address says; None for what no page of ours sends."""
    if done not in {action.done for action in ACTIONS.values()} or not count:
        return None
    if not (count.isascii() and count.isdigit()) or len(count) > LONGEST_COUNT:
        return None
    return f"{text.count(int(count))} {'run was' if count == '1' else 'runs were'} {done}."
