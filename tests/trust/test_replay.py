"""What failed under load fails again when it is replayed: with the same error, after the same events."""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random

from tests.support.crew import crew
from tests.support.soak import Soak, check_events
from tests.support.worker_lab import Lab

SHORT, LONG = 24, 300
"""Runs that are to fail."""
DEEDS = ("unprintable", "exit", "interrupt", "generator exit", "out of memory", "recursion")


def test_recorded_failures_replay_to_the_same_error(
    lab: Lab, trust_seconds: float, trust_random: Random, trust_report: Callable[..., None]
) -> None:
    count = LONG if trust_seconds else SHORT
    soak, doomed = Soak(lab, trust_random), trust_random.randint(count // 2, 3 * count // 4)
    while sum(order["doom"] == "run" for order in soak.orders.values()) < doomed:
        soak.start(doomed)
    for number in range(count - doomed):
        flow = trust_random.choice(("evil_thread", "evil_loop"))
        lab.start(flow, {"folder": str(lab.folder), "deed": DEEDS[number % len(DEEDS)]})
    with crew(lab, 2, "soak", "evil_thread", "evil_loop", max_concurrent="12", batch_size="6") as workers:
        workers.kill("crew-1")
        workers.hire()
        soak.until_ended(timeout=300)
        workers.stop()

    done = lab.project.run("replay", "--failed", "--json", "--dsn", lab.dsn, timeout=1800)
    assert done.returncode == 0, (done.stdout[-5000:], done.stderr)
    runs = json.loads(done.stdout)["runs"]
    (failed,) = lab.sql("select count(*) as count from pgflow.runs where status = 'failed'")
    assert len(runs) == failed["count"] >= count
    stalled = [run for run in runs if "its workers died with it" in run["passed_over"].values()]
    assert len(stalled) <= 2
    for run in runs:
        assert run["today"]["status"] == "failed", run
        assert (run["differences"], run["handler_calls"] > 0) == ([], run not in stalled), run
        assert _first(run["recorded"]["error"]) == _first(run["today"]["error"])
        assert sorted(run["recorded"]["events"]) == sorted(run["today"]["events"]), run
        if run["run_id"] in soak.orders:
            for events in (run["recorded"]["events"], run["today"]["events"]):
                check_events(soak.orders[run["run_id"]], [_split(event) for event in events])
    trust_report(
        failures=len(runs), stalled=len(stalled), handler_calls=sum(run["handler_calls"] for run in runs)
    )


def _first(error: str) -> str:
    return error.split("\n")[0]


def _split(event: str) -> tuple[str, str | None]:
    """``step:plan:started`` as a client is told of it: what, and of which step."""
    what, *rest = event.split(":")
    return (event, None) if what == "run" else (f"step:{rest[1]}", rest[0])
