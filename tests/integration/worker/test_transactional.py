"""Transactional steps: the handler's writes and the completion are one commit."""

from __future__ import annotations

import pytest

from tests.support.wait import eventually
from tests.support.worker_lab import Lab


def _notes(lab: Lab) -> list[str]:
    return sorted(str(row["note"]) for row in lab.sql("select note from public.ledger"))


def test_writes_and_completion_are_one(lab: Lab) -> None:
    with lab.worker("ledger") as worker:
        run = lab.start("ledger", {"folder": "", "note": "rent"})
        assert lab.completed(run) == {"confirm": "rent", "remember": "rent"}
        assert _notes(lab) == ["rent", "rent confirmed", "rent remembered"]
        assert worker.stop() == 0


@pytest.mark.parametrize("mode", ["fail once", "roll back once"])
def test_a_failed_attempt_leaves_no_writes(lab: Lab, mode: str) -> None:
    with lab.worker("ledger"):
        run = lab.start("ledger", {"folder": "", "note": "rent", "mode": mode})
        lab.completed(run)
        assert _notes(lab) == ["rent", "rent confirmed", "rent remembered"]
        (book,) = [task for task in lab.tasks(run) if task["step_slug"] == "book"]
        assert book["attempts_count"] == 2


def test_a_stale_fence_rolls_the_writes_back(lab: Lab) -> None:
    with lab.worker("ledger") as worker:
        run = lab.start("ledger", {"folder": str(lab.folder), "note": "rent", "mode": "held"})
        lab.begun("booked")
        lab.sql("update pgflow.step_tasks set attempts_count = attempts_count + 1 where run_id = %s", run)
        lab.let_go("book.go")
        worker.until_logged("result refused")
        assert _notes(lab) == []
        assert lab.task(run)["status"] == "started"


def test_the_connection_goes_back_clean(lab: Lab) -> None:
    with lab.worker("ledger", max_handler_connections="1") as worker:
        runs = [lab.start("ledger", {"folder": "", "note": str(n)}) for n in range(8)]
        for run in runs:
            lab.completed(run)
        assert len(_notes(lab)) == 24
        assert worker.stop() == 0
        others = "datname = current_database() and pid <> pg_backend_pid()"
        eventually(lambda: not lab.sql(f"select 1 from pg_stat_activity where {others}"))
