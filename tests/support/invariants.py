"""What must be true of every committed state (see invariants.sql)."""

from __future__ import annotations

from pathlib import Path

from tests.support.core import Core

SQL = Path(__file__).with_name("invariants.sql")


def install(core: Core) -> None:
    """Create the functions of invariants.sql in the database."""
    core.connection.execute(SQL.read_bytes())


def violations(core: Core, *, events: bool = True) -> list[tuple[str, ...]]:
    """Everything that is wrong: (rule, run, step, detail).

    Events are looked at only when asked for: rows of an identity column become visible in the order of
    commits, not of their ids, so their order means something only within runs that nobody works on.
    """
    rows = core.rows("select * from pgflow_test.violations()")
    if events:
        rows += core.rows("select * from pgflow_test.event_violations()")
    return [tuple(str(value) for value in row) for row in rows]


def assert_sound(core: Core, *, events: bool = True, may_miss_events: bool = False) -> None:
    """``may_miss_events``: the server had no room for them; ``realtime.send`` makes a warning of that."""
    found = violations(core, events=events)
    if may_miss_events:
        found = [row for row in found if not (row[0] == "events" and ": 0 sent, " in row[3])]
    assert found == [], "\n".join(" | ".join(row) for row in found[:20])
