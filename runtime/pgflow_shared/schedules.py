"""What a schedule takes: the compiler reads it in ``flow.schedule(...)``, a client sends it."""

from __future__ import annotations

from collections.abc import Mapping

from pgflow_shared.options import MAX_SECONDS, Judged, Values, Whole, Word

SCHEDULE_OPTIONS: Mapping[str, Values] = {
    "cron": Judged("a cron expression"),
    "every": Whole(1, MAX_SECONDS, " of seconds"),
    "timezone": Judged("a time zone"),
    "overlap": Word(("allow", "skip", "queue", "cancel_other")),
    "catch_up": Word(("none", "latest", "all")),
}
"""Options beside the slug and the input, and their values."""
SCHEDULE_DEFAULTS: Mapping[str, str] = {"timezone": "UTC", "overlap": "skip", "catch_up": "latest"}
