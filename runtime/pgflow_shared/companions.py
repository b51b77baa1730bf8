"""Companions: flows that the compiler writes beside one, for what is to be done when a run has ended.

All undos of a flow are one companion, each end is one of its own. They are ordinary flows in the database;
those of a flow ``order`` are called ``order__undo`` and ``order__end_tell``, as no other flow may be.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

CompanionKind: TypeAlias = Literal["undo", "end"]
"""What the decorators are called: ``@flow.undo(step)``, ``@flow.end()``."""
DECORATORS: tuple[CompanionKind, ...] = ("undo", "end")
UNDO_WHEN = ("completed", "started")
"""The words of ``@flow.undo(when=)``."""
END_ON = ("failed", "cancelled", "completed", "always")
"""The words of ``@flow.end(on=)``."""
RUN_END = "run_end"
"""The parameter that gets how the run ended."""

_UNDO = "__undo"
_END = "__end_"


def undo_slug(flow: str) -> str:
    """The companion that holds all undos of ``flow``; both are slugs in the database."""
    return f"{flow}{_UNDO}"


def end_slug(flow: str, handler: str) -> str:
    """The companion of one end of ``flow``."""
    return f"{flow}{_END}{handler}"


def pick_slug(handler: str) -> str:
    """The step that hands the elements to the undo of a map."""
    return f"{handler}_items"


def flow_of(companion: str) -> str | None:
    """The flow that a companion belongs to; None for the slug of any other flow."""
    flow, is_end, _ = companion.partition(_END)  # the first: no flow's slug has one, a handler's name may
    if is_end:
        return flow or None
    return companion.removesuffix(_UNDO) or None if companion.endswith(_UNDO) else None


def end_of(companion: str) -> str:
    """The handler that the companion of an end was made for; empty for any other slug."""
    return companion.partition(_END)[2]


def is_reserved(slug: str) -> bool:
    """Whether only a companion may be called so, or what is made of a flow: ``order__end`` and its undo."""
    return slug.endswith((_UNDO, _END.rstrip("_"))) or _END in slug
