"""Timers: time that passes at once, and who fires what is due."""

from __future__ import annotations

from tests.support.core import Core, Row


def pass_time(core: Core, seconds: float = 10**9) -> None:
    """As if so many seconds had passed for all timers; what falls due by that is due now."""
    core.run_sql(
        """update pgflow.timers
           set due_at = greatest(due_at - make_interval(secs => %s), clock_timestamp())""",
        min(seconds, 10**9),
    )


def fire(core: Core, max_count: int = 1000) -> Row:
    """What one call of fire_timers did."""
    return core.row("select * from pgflow.fire_timers(%s)", max_count)


def timers(core: Core) -> list[Row]:
    """All of them, with the seconds until each is due."""
    return core.rows(
        """select *, extract(epoch from due_at - clock_timestamp())::float as seconds
           from pgflow.timers order by due_at, timer_id"""
    )
