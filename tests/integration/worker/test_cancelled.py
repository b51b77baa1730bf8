"""Handlers whose tasks count no more are told, and their slots come free."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.wait import eventually
from tests.support.worker_lab import Lab


def _input(lab: Lab, name: str, mode: str = "") -> dict[str, str]:
    return {"folder": str(lab.folder), "name": name, **({"mode": mode} if mode else {})}


def _cancel(lab: Lab, *run_ids: str) -> list[str]:
    rows = lab.sql("select outcome from pgflow.cancel_runs(%s::uuid[], 'a mistake')", list(run_ids))
    return [row["outcome"] for row in rows]


@pytest.mark.parametrize("options", [{}, {"poll_only": ""}], ids=["told at once", "poll-only: by the beat"])
def test_a_coroutine_is_cancelled_with_its_run(lab: Lab, options: dict[str, str]) -> None:
    with lab.worker("held", max_concurrent="1", **options) as worker:
        run = lab.start("held", _input(lab, "a"))
        lab.begun("a.begun.1")
        assert _cancel(lab, run) == ["cancelled"]
        lab.begun("a.cancelled")
        worker.until_logged("the run was cancelled")
        other = lab.start("held", _input(lab, "b"))  # the slot is free
        lab.let_go("b.go")
        assert lab.completed(other) == {"hold": 1}
        assert (lab.run(run)["status"], lab.task(run)["status"]) == ("cancelled", "cancelled")
        assert worker.stop() == 0
        assert "WARNING" not in worker.log


def test_a_thread_that_looks_is_told(lab: Lab) -> None:
    with lab.worker("patient", max_concurrent="1") as worker:
        run = lab.start("patient", _input(lab, "a", "asking"))
        lab.begun("a.begun.1")
        _cancel(lab, run)
        lab.begun("a.told")
        worker.until_logged("the run was cancelled")
        other = lab.start("patient", _input(lab, "b"))
        lab.let_go("b.go")
        assert lab.completed(other) == {"after": "after went"}
        assert lab.run(run)["status"] == "cancelled"


def test_a_thread_that_does_not_look_keeps_its_slot_until_it_ends(lab: Lab) -> None:
    with lab.worker("patient", max_concurrent="1") as worker:
        run = lab.start("patient", _input(lab, "a"))
        lab.begun("a.begun.1")
        _cancel(lab, run)
        other = lab.start("patient", _input(lab, "b"))
        lab.let_go("b.go")
        lab.let_go("a.go")
        worker.until_logged("the run was cancelled")
        assert lab.completed(other) == {"after": "after went"}
        assert [task["status"] for task in lab.tasks(run)] == ["cancelled"]


def test_a_transactional_step_of_a_cancelled_run_writes_nothing(lab: Lab) -> None:
    with lab.worker("ledger") as worker:
        entry = {"note": "n", "mode": "held", "folder": str(lab.folder)}
        run = lab.start("ledger", entry)
        lab.begun("booked")
        _cancel(lab, run)
        lab.let_go("book.go")
        worker.until_logged("the run was cancelled")
        assert lab.sql("select note from public.ledger") == []
        assert lab.run(run)["status"] == "cancelled"


def test_a_coroutine_that_swallows_its_cancellation_is_stuck_until_it_ends(lab: Lab) -> None:
    with lab.worker("tight", max_concurrent="2") as worker:
        run = lab.start("tight", _input(lab, "a", "stubborn"))
        lab.begun("a.begun")
        _cancel(lab, run)
        worker.until_logged("goes on after it was cancelled (swallows its cancellation)")
        lab.let_go("a.go")
        worker.until_logged("too late: its result is discarded")
        assert worker.stop() == 0


def test_what_runs_on_when_its_run_fails_is_told_too(lab: Lab) -> None:
    with lab.worker("siblings", "patient") as worker:
        run = lab.start("siblings", _input(lab, "x"))
        assert lab.ended(run)["status"] == "failed"
        eventually(lambda: Path(lab.folder / "x.begun").exists())
        lab.let_go("x.go")
        worker.until_logged("the run has failed")


def test_a_held_run_lets_its_handlers_end(lab: Lab) -> None:
    with lab.worker("patient") as worker:
        run = lab.start("patient", _input(lab, "a"))
        lab.begun("a.begun.1")
        lab.sql("select * from pgflow.hold_runs(%s::uuid[])", [run])
        lab.let_go("a.go")
        eventually(lambda: {task["status"] for task in lab.tasks(run)} == {"completed", "queued"})
        assert lab.run(run)["status"] == "started"
        lab.sql("select * from pgflow.release_runs(%s::uuid[])", [run])
        assert lab.completed(run) == {"after": "after went"}
        assert worker.stop() == 0
