"""Runs that stand for what a run's end has started, as tests of those who read them make them."""

from __future__ import annotations

from uuid import UUID

from tests.support.core import Core


def add_companion(core: Core, run: UUID, flow: str, kind: str, number: int = 1) -> UUID:
    """A run of a companion flow with one step, ``back``. ``kind``: undo or end."""
    if not core.value("select exists (select from pgflow.flows where flow_slug = %s)", flow):
        core.create_flow(flow, max_attempts=1, base_delay=0)
        core.add_step(flow, "back")
    companion: UUID = core.start_flow(flow).run_id
    core.run_sql("update pgflow.runs set has_origin = true where run_id = %s", companion)
    core.run_sql(
        "insert into pgflow.origins (run_id, kind, from_run_id, step_slug, attempt)"
        " values (%s, %s, %s, %s, %s)",
        companion, kind, run, flow, number,
    )  # fmt: skip
    return companion
