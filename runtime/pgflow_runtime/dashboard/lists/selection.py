"""All runs that a list shows, as the core's filter for doing something to them at once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pgflow_runtime.dashboard.lists.filters import Filters


@dataclass(frozen=True, slots=True)
class Selection:
    """``filter`` is the core's; ``hindrance`` says why it cannot be used, with a way out."""

    filter: Mapping[str, Any]
    hindrance: str | None = None


def selection_of(filters: Filters, step: str | None = None) -> Selection:
    """What a list's filters choose, of the runs that have started by now. ``step``: those it failed."""
    search = filters.search
    if filters.is_empty:
        return Selection({}, "Choose which runs first: a flow, a status or a time.")
    if search.in_input is not None or search.id_from is not None:
        return Selection(
            {}, "Runs found by a text or the start of an id cannot be acted on together; search by JSON."
        )
    start, now = filters.start, datetime.now(UTC)
    needs_window = filters.error is not None or search.input_contains is not None
    if needs_window and (filters.flow is None or start is None):
        return Selection({}, "Choose a flow and a time as well, to act on all of these.")
    found = {
        "flow": filters.flow,
        "status": filters.status,
        "started_after": start.isoformat() if start is not None else None,
        "started_before": min(filters.until or now, now).isoformat(),
        "failed_step": step,
        "error_key": filters.error,
        "input_contains": json.loads(search.input_contains) if search.input_contains is not None else None,
    }
    return Selection({name: value for name, value in found.items() if value is not None})
