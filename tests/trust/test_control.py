"""Runs are cancelled, retried, held and released, and their flow paused, while workers die and freeze.

Whatever was done to a run, in the end every one is taken up again and comes out as if nothing had happened.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from random import Random

from tests.support.crew import Crew, crew
from tests.support.soak import Soak
from tests.support.wait import eventually
from tests.support.worker_lab import Lab

SIZE = 3
SHORT_ROUNDS, SHORT_RUNS = 24, 30
OPEN_RUNS = 40
CHANGES = {
    "cancel": ("select outcome from pgflow.cancel_runs(%s::uuid[], 'at random')", "started"),
    "retry": ("select outcome from pgflow.retry_runs(%s::uuid[], 1)", "cancelled"),
    "retry failed": ("select outcome from pgflow.retry_runs(%s::uuid[])", "failed"),
    "hold": ("select outcome from pgflow.hold_runs(%s::uuid[])", "started"),
    "release": ("select outcome from pgflow.release_runs(%s::uuid[], 1)", "started"),
}
# A retry leaves what failed and what was cancelled behind; what was completed or skipped stays for ever.
FAULTS = """
create or replace view trust.faults as
select 'left ' || t.old as fault, t.kind, t.run_id, t.step_slug, t.task_index
from trust.transitions t
where t.old in ('completed', 'skipped')
union all
select t.new || ' twice', t.kind, t.run_id, t.step_slug, t.task_index
from trust.transitions t
where t.new in ('completed', 'skipped')
group by t.new, t.kind, t.run_id, t.step_slug, t.task_index
having count(*) > 1
"""


def test_control_and_dying_workers_change_no_outcome(
    lab: Lab, trust_seconds: float, trust_random: Random, trust_report: Callable[..., None]
) -> None:
    lab.sql(FAULTS)
    soak = Soak(lab, trust_random)
    done: Counter[str] = Counter()
    with crew(lab, SIZE, "soak", max_concurrent="12", batch_size="6") as workers:
        soak.start(SHORT_RUNS)
        deadline, rounds = time.monotonic() + trust_seconds, 0
        while rounds < SHORT_ROUNDS or time.monotonic() < deadline:
            rounds += 1
            if trust_seconds and soak.open() < OPEN_RUNS:
                soak.start(trust_random.randint(1, 30))
            around = trust_random.choice(("kill", "freeze", "nothing", "nothing"))
            name = trust_random.choice(sorted(workers.workers))
            is_before = trust_random.random() < 0.5
            if is_before:
                _harm(workers, name, around)
            done[_change(lab, trust_random)] += 1
            if not is_before:
                _harm(workers, name, around)
            time.sleep(trust_random.uniform(0.0, 0.4))
            if trust_random.random() < 0.4:
                workers.thaw()
            _keep(workers)
        workers.thaw()
        lab.sql("select pgflow.resume_flow('soak')")
        _take_up(lab, soak)
        workers.stop()
        soak.check()
    trust_report(
        runs=len(soak.orders),
        stalled=len(soak.stalled),
        **{key.replace(" ", "_"): n for key, n in done.items()},
    )


def _change(lab: Lab, random: Random) -> str:
    """One call of one control function; its name."""
    if random.random() < 0.15:
        lab.sql("select pgflow.pause_flow('soak')")
        lab.sql("select pg_sleep(0.05)")
        lab.sql("select pgflow.resume_flow('soak')")
        return "pause"
    name = random.choice(sorted(CHANGES))
    statement, status = CHANGES[name]
    rows = lab.sql(
        "select run_id::text from pgflow.runs where status = %s order by random() limit %s",
        status,
        random.randint(1, 5),
    )
    lab.sql(statement, [row["run_id"] for row in rows])
    return name


def _harm(workers: Crew, name: str, how: str) -> None:
    if how == "kill":
        workers.kill(name)
    elif how == "freeze":
        workers.freeze(name)


def _keep(workers: Crew) -> None:
    while len(workers.workers) < SIZE:
        workers.hire()
    while len(workers.workers) > SIZE:
        workers.kill(min(workers.workers, key=lambda name: int(name.removeprefix("crew-"))))


def _take_up(lab: Lab, soak: Soak) -> None:
    """Release what is held, retry what was cancelled or met by three deaths, and wait for the end of all."""

    def is_over() -> bool:
        lab.sql(
            """select pgflow.release_runs(array(
                 select run_id from pgflow.runs where held_at is not null and status = 'started'
                 limit 1000))"""
        )
        lab.sql(
            """select pgflow.retry_runs(array(
                 select run_id from pgflow.runs where status = 'cancelled'
                 union
                 select run_id from pgflow.step_tasks where permanently_stalled_at is not null
                 limit 1000))"""
        )
        return soak.open() == 0

    eventually(is_over, 180)
