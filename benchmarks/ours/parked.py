"""Runs that wait: for signals, and for a time that comes for all of them at once."""

from __future__ import annotations

import json
import time
from typing import Any

import psycopg

from benchmarks.peers.protocol import require

AT_ONCE = 1000
_SEND = "select outcome from pgflow.send_signals(%s::uuid[], %s::text[], %s::jsonb[])"
_WAITING = "select run_id, (input ->> 'n')::int from pgflow.runs where flow_slug = 'answered'"
_DONE = "select count(*) from pgflow.runs where flow_slug = %s and status = 'completed'"
_WRONG = """
select count(*) from pgflow.runs
where flow_slug = 'answered' and (output ->> 'thank')::int is distinct from (input ->> 'n')::int + 1
"""
LOOK_SECONDS = 0.02


def answer(connection: psycopg.Connection[Any], timeout: float) -> dict[str, Any]:
    """Answer every run that waits, a thousand a call; until all have ended, with the right output."""
    runs = connection.execute(_WAITING).fetchall()
    began = time.perf_counter()
    for start in range(0, len(runs), AT_ONCE):
        part = runs[start : start + AT_ONCE]
        values = ([run_id for run_id, _ in part], ["reply"] * len(part), [json.dumps(n) for _, n in part])
        outcomes = {row[0] for row in connection.execute(_SEND, values)}
        require(outcomes == {"taken"}, f"signals were {outcomes}, not taken")
    sent = time.perf_counter() - began
    _until_done(connection, "answered", len(runs), timeout)
    seconds = time.perf_counter() - began
    require(connection.execute(_WRONG).fetchone() == (0,), "some runs have another output")
    return {"sent": sent, "seconds": seconds, "count": len(runs)}


def wake(connection: psycopg.Connection[Any], count: int, due: float, timeout: float) -> dict[str, Any]:
    """From the moment at which ``count`` sleepers fall due until all their runs have ended."""
    require(time.time() < due, "the sleepers fell due before all of them were there")
    time.sleep(max(due - time.time(), 0))
    began = time.perf_counter()
    _until_done(connection, "asleep", count, timeout)
    return {"seconds": time.perf_counter() - began}


def _until_done(connection: psycopg.Connection[Any], flow: str, count: int, timeout: float) -> None:
    deadline = time.monotonic() + timeout
    while (row := connection.execute(_DONE, [flow]).fetchone()) != (count,):
        require(time.monotonic() < deadline, f"{row} of {count} runs have ended in {timeout} s")
        time.sleep(LOOK_SECONDS)
