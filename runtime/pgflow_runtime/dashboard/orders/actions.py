"""What people can do to runs, in words: a button's, a question's, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pgflow_runtime.dashboard import text
from pgflow_runtime.runs.control import CALLS, UNCHANGED, ControlCall
from pgflow_runtime.runs.signals import NOT_SENT, SENT


@dataclass(frozen=True, slots=True)
class RunAction(ControlCall):
    """A call of the core with its words. Its name is what addresses and buttons call it."""

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


def _action(name: str, statuses: tuple[str, ...], says: str) -> RunAction:
    call = CALLS[name]
    return RunAction(call.name, call.done, call.by_id, call.by_filter, statuses, says)


ACTIONS: Final = {
    action.name: action
    for action in (
        _action(
            "retry",
            ("failed", "cancelled"),
            "What was completed stays; the rest is done anew under the same id, with fresh attempts.",
        ),
        _action(
            "cancel",
            ("started",),
            "Nothing more is begun, handlers at work are told, and late results change nothing.",
        ),
        _action(
            "hold",
            ("started",),
            "Nothing more is begun until the runs are released. What is being done ends as always.",
        ),
        _action(
            "release",
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
    "schedule_paused": "The schedule is paused: it fires no more until it is resumed.",
    "schedule_resumed": "The schedule fires again, from now on.",
    "schedule_paused_before": "Nothing was done: the schedule was paused already.",
    "schedule_resumed_before": "Nothing was done: the schedule was not paused.",
    "fired": "This is the run that the schedule started.",
    **{f"signal_{word}": f"Your answer was sent: {what}." for word, what in SENT.items()},
    **{f"signal_{word}": f"Your answer was not sent: {why}." for word, why in NOT_SENT.items()},
}
"""By what came of an action: the sentence its page says. Addresses carry the keys."""


def bulk_sentence(done: str | None, count: str | None) -> str | None:
    """What came of an action on many runs, as the address says; None for what no page of ours sends."""
    if done not in {action.done for action in ACTIONS.values()} or not count:
        return None
    if not (count.isascii() and count.isdigit()) or len(count) > LONGEST_COUNT:
        return None
    return f"{text.count(int(count))} {'run was' if count == '1' else 'runs were'} {done}."
