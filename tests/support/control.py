"""The functions of operators, as methods of tests: cancel and what undoes an end."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from tests.support.core import Core, Row


def cancel(core: Core, *runs: UUID, reason: str | None = None, actor: str | None = None) -> list[str]:
    """Cancel runs; their outcomes in the order of the arguments."""
    return _outcomes(core.call("cancel_runs", run_ids=list(runs), reason=reason, actor=actor), runs)


def hold(core: Core, *runs: UUID, actor: str | None = None) -> list[str]:
    """Hold runs; their outcomes in the order of the arguments."""
    return _outcomes(core.call("hold_runs", run_ids=list(runs), actor=actor), runs)


def let_go(core: Core, *runs: UUID, spread: float = 0.0, actor: str | None = None) -> list[str]:
    """Release held runs; their outcomes in the order of the arguments."""
    return _outcomes(core.call("release_runs", run_ids=list(runs), spread=spread, actor=actor), runs)


def retry(core: Core, *runs: UUID, **arguments: object) -> list[str]:
    """Retry runs; their outcomes in the order of the arguments."""
    return _outcomes(core.call("retry_runs", run_ids=list(runs), **arguments), runs)


def _outcomes(rows: list[Row], runs: Iterable[UUID]) -> list[str]:
    found = {row.run_id: row.outcome for row in rows}
    assert len(found) == len(rows)
    return [found[run_id] for run_id in runs]


def snapshot(core: Core) -> list[list[Row]]:
    """All rows of runs, steps and tasks: what a stale call must not change."""
    return [
        core.rows(f"select * from pgflow.{table} t order by t::text")
        for table in ("runs", "step_states", "step_tasks")
    ]
