"""What control functions say of a run to which nothing was done, in words."""

from __future__ import annotations

from typing import Final

UNCHANGED: Final = {
    "already_cancelled": "was cancelled before",
    "already_completed": "has completed",
    "already_failed": "has failed",
    "already_held": "is held already",
    "not_held": "is not held",
    "still_started": "has not ended",
    "has_parent": "belongs to another run: retry that one",
    "undone": "was undone",
    "no_such_run": "is not in this database",
}
"""By the core's word, what follows "the run"."""
