"""A run in memory that follows a recording: handlers get what was recorded, and what differs is said."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypedDict

import pytest

from pgflow_runtime import Again, Context, Flow, RunEnd
from pgflow_runtime.errors import RunFailed, UsageError
from pgflow_runtime.testing import run_flow, start_flow


class Receipt(TypedDict):
    id: int


trip = Flow[str]("trip", max_attempts=3, run_timeout=60)


@trip.step
def book(flow_input: str) -> Receipt:
    return {"id": 2}


@trip.array
def legs(book: Receipt) -> list[str]:
    return [f"leg {book['id']}", "home"]


@trip.map(array=legs)
async def drive(leg: str, ctx: Context) -> str:
    return f"{leg} on attempt {ctx.step_task.attempt} {ctx.env.get('CAR', '')}"


@trip.step(if_={"book": {"id": 1}})
def visit(book: Receipt) -> str:
    return "seen"


@trip.step
def tell(drive: list[str], visit: str | None = None) -> str:
    return f"{len(drive)} {visit}"


Record = Callable[..., Path]


def task(index: int, second: int, **more: Any) -> dict[str, Any]:
    ended = f"2026-03-01T12:00:{second:02}+00:00"
    return {"index": index, "status": "completed", "attempts": 1, "ended_at": ended, **more}


def step(type: str, deps: list[str], status: str, *tasks: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": type, "depends_on": deps, "status": status, "tasks": list(tasks), **more}


@pytest.fixture
def record(tmp_path: Path) -> Record:
    """Writes a recording of a run that went as today's handlers go, but for ``book``; changed as is said."""

    def write(steps: dict[str, Any] | None = None, **run: Any) -> Path:
        recorded_steps = {
            "book": step("single", [], "completed", task(0, 1), output={"id": 1}),
            "legs": step("single", ["book"], "completed", task(0, 2), output=["leg 1", "home"]),
            "drive": step(
                "map",
                ["legs"],
                "completed",
                task(0, 5, attempts=4, forgiven=2, requeued=1),
                task(1, 3),
                output=["leg 1 on attempt 4 ", "home on attempt 1 "],
            ),
            "visit": step("single", ["book"], "completed", task(0, 4), output="seen"),
            "tell": step("single", ["drive", "visit"], "completed", task(0, 6), output="2 seen"),
            **(steps or {}),
        }
        whole = {"run_id": "0", "flow_slug": "trip", "status": "completed", "input": "x", **run}
        file = tmp_path / "run.json"
        file.write_text(json.dumps({"pgflow_recording": 1, "runs": [{**whole, "steps": recorded_steps}]}))
        return file

    return write


async def test_handlers_get_recorded_values_and_give_todays(record: Record) -> None:
    run = await run_flow(trip, recorded=record(), env={})
    assert run.status == "completed"
    assert run.step("book").output == {"id": 2}
    assert run.step("legs").output == ["leg 1", "home"]
    assert run.step("visit").status == "completed"
    assert run.output == {"tell": "2 seen"}
    (difference,) = run.differences
    assert str(difference) == 'book: recorded {"id": 1}, today {"id": 2}'
    assert run.attempts("drive") == 5


async def test_the_recorded_order_of_ends_is_kept(record: Record) -> None:
    run = await start_flow(trip, recorded=record(), env={})
    await run.until("drive")
    assert run.step("book").status == "completed"
    await run.until("visit")
    assert [task.status for task in run.step("drive").tasks] == ["queued", "completed"]
    await run.finish()
    assert run.events.index("step:visit:completed") < run.events.index("step:drive:completed")


async def test_each_element_is_compared(record: Record) -> None:
    run = await run_flow(trip, recorded=record(), replace=[book.returns({"id": 1})], env={"CAR": "red"})
    assert [found.place for found in run.differences] == ["drive[1]", "drive[0]"]
    assert run.step("drive").output == ["leg 1 on attempt 4 red", "home on attempt 1 red"]


NO_FUEL = 'OSError: no fuel\n  File "drive.py", line 7, in drive\n    raise'
FAILED = {
    "drive": step(
        "map",
        ["legs"],
        "failed",
        task(0, 3, output="leg 1 on attempt 1 "),
        task(1, 5, status="failed", attempts=3, error=NO_FUEL),
        error=NO_FUEL,
    )
}
UNDONE = {"tell": step("single", ["drive", "visit"], "created")}


async def test_what_no_longer_fails_goes_on_to_the_end_on_todays_values(record: Record) -> None:
    file = record({**FAILED, **UNDONE}, status="failed", error="OSError: no fuel")
    run = await run_flow(trip, recorded=file, replace=[book.returns({"id": 1})], env={})
    assert [str(found) for found in run.differences] == [
        'drive[1]: recorded OSError: no fuel, today "home on attempt 3 "'
    ]
    assert run.output == {"tell": "2 seen"}


async def test_what_still_fails_fails_the_run_after_everything_else_that_had_ended(record: Record) -> None:
    def broken(leg: str, ctx: Context) -> str:
        if leg == "home":
            raise OSError("no fuel")
        return f"{leg} on attempt 1 "

    file = record({**FAILED, **UNDONE}, status="failed", error="OSError: no fuel")
    run = await run_flow(trip, recorded=file, replace=[book.returns({"id": 1}), drive.replaced(broken)])
    assert (run.status, run.differences) == ("failed", ())
    assert run.step("visit").status == "completed"
    assert run.attempts("drive") == 4
    with pytest.raises(RunFailed, match=r"in step 'drive', task 1"):
        await run.result()


async def test_a_handler_that_fails_today_is_not_tried_again(record: Record) -> None:
    calls: list[int] = []

    def away(flow_input: str) -> Receipt:
        calls.append(1)
        raise ConnectionError("away")

    run = await run_flow(trip, recorded=record(), replace=[book.replaced(away)])
    assert (run.status, len(calls)) == ("failed", 1)
    assert str(run.differences[0]) == 'book: recorded {"id": 1}, today ConnectionError: away'


async def test_runs_that_were_ended_from_outside_end_there_again(record: Record) -> None:
    steps = {**UNDONE, "drive": step("map", ["legs"], "cancelled", task(0, 3, status="cancelled"))}
    run = await run_flow(trip, recorded=record(steps, status="cancelled", cancel_reason="enough"))
    assert (run.status, run.cancel_reason) == ("cancelled", "enough")
    run = await run_flow(trip, recorded=record(steps, status="failed", error="timed out after 60 s"))
    assert (run.status, run.error) == ("failed", "timed out after 60 s")
    assert run.step("drive").status == "cancelled"
    assert run.retry()
    await run.finish()
    assert run.status == "completed"


async def test_steps_that_a_fork_took_over_are_there_before_it_begins(record: Record) -> None:
    reused = {
        "book": step("single", [], "completed", output={"id": 1}, reused=True),
        "visit": step("single", ["book"], "skipped", skip_reason="handler_failed", reused=True),
        "tell": step("single", ["drive", "visit"], "completed", task(0, 6), output="2 None"),
    }
    run = await run_flow(trip, recorded=record(reused), env={})
    assert (run.differences, run.output) == ((), {"tell": "2 None"})
    assert run.step("book").output == {"id": 1}


async def test_hidden_values_are_hidden_from_the_comparison(record: Record) -> None:
    steps = {"book": step("single", [], "completed", task(0, 1), output={"id": 0})}
    run = await run_flow(trip, recorded=record(steps, redacted=["steps.book.output.id"]), env={})
    assert "book" not in [found.place for found in run.differences]


async def test_a_recording_brings_its_input(record: Record) -> None:
    with pytest.raises(UsageError, match="brings its own input"):
        await run_flow(trip, "x", recorded=record())
    with pytest.raises(UsageError, match="brings its own input"):
        await run_flow(trip, recorded=record(), crash={book: 1})
    with pytest.raises(UsageError, match="recorded=FILE"):
        await run_flow(trip)
    with pytest.raises(UsageError, match="a run of flow 'other' was recorded, not one of 'trip'"):
        await run_flow(trip, recorded=record(flow_slug="other"))
    with pytest.raises(UsageError, match="cannot read"):
        await run_flow(trip, recorded="nowhere.json")


stairs = Flow[int]("stairs", max_attempts=1)


@stairs.loop(max_rounds=5, every=30)
def climb(flow_input: int, state: int | None = None) -> Again[int] | int:
    here = (state or 0) + flow_input
    return here if here >= 3 else Again(here)


async def test_rounds_take_time_and_are_counted() -> None:
    run = await run_flow(stairs, 1)
    (one,) = run.step("climb").tasks
    assert (run.output, run.elapsed, one.rounds, one.attempts) == ({"climb": 3}, 60, 3, 3)
    run = await run_flow(stairs, 0)
    assert (run.status, run.step("climb").tasks[0].rounds) == ("failed", 5)
    assert str(run.error).startswith("LoopExhausted")


async def test_of_a_loop_the_last_round_is_done_again(record: Record) -> None:
    def recorded(output: int, **more: Any) -> Path:
        climbed = task(0, 9, attempts=3, forgiven=2, **more)
        steps = {"climb": {**step("single", [], "completed", climbed, output=output), "kind": "loop"}}
        file = record(flow_slug="stairs", input=1)
        document = json.loads(file.read_text())
        document["runs"][0]["steps"] = steps
        file.write_text(json.dumps(document))
        return file

    run = await run_flow(stairs, recorded=recorded(3, round=3, state=2))
    assert (run.differences, run.output, run.attempts("climb")) == ((), {"climb": 3}, 3)
    run = await run_flow(stairs, recorded=recorded(2, round=2, state=1))
    assert str(run.differences[0]) == "climb: recorded 2, today asks to run again"


invoice = Flow[Receipt]("invoice")


@invoice.step
def letter(flow_input: Receipt) -> str:
    raise AssertionError("a child is not run again")


billing = Flow[list[int]]("billing", max_attempts=1)


@billing.map(subflow=invoice, when_exhausted="value")
def bills(amount: int) -> Receipt:
    if amount == 3:
        raise ValueError("three")
    return {"id": amount}


@billing.step
def collect(bills: list[Any]) -> int:
    return len(bills)


@billing.end()
def close(run_end: RunEnd) -> None:
    raise AssertionError("what followed the run is not done again")


def failure(index: int, error: str) -> dict[str, Any]:
    return {"$failed": {"error": error, "step": "bills", "index": index, "attempts": 1}}


async def test_of_a_subflow_the_childs_input_is_compared_and_its_output_counts(tmp_path: Path) -> None:
    outputs = [{"letter": "a"}, {"letter": "b"}, failure(2, "ChildFailed: no"), failure(3, "ValueError: two")]
    tasks = [
        task(0, 1, child="r1", child_input={"id": 1}),
        task(1, 2, child="r2", child_input={"id": 7}),
        task(2, 3, child="r3", child_input={"id": 4}, error="ChildFailed: no"),
        task(3, 4, error="ValueError: two"),
    ]
    run = {
        "run_id": "r",
        "flow_slug": "billing",
        "status": "completed",
        "input": [1, 2, 4, 3],
        "steps": {
            "bills": step("map", [], "completed", *tasks, output=outputs, kind="subflow", subflow="invoice"),
            "collect": step("single", ["bills"], "completed", task(0, 9), output=4),
        },
    }
    file = tmp_path / "run.json"
    file.write_text(json.dumps({"pgflow_recording": 1, "runs": [run]}))
    followed = await run_flow(billing, recorded=file)
    assert (followed.status, followed.output) == ("completed", {"collect": 4})
    assert followed.step("bills").children == ()
    assert followed.companions == ()
    first, second = sorted(followed.differences, key=lambda each: each.index or 0)
    assert (first.place, first.kind, first.recorded, first.today) == (
        "bills[1]",
        "output",
        '{"id": 7}',
        '{"id": 2}',
    )
    assert (second.place, second.kind, second.recorded) == ("bills[3]", "error", "ValueError: two")
    assert second.today == "ValueError: three"
