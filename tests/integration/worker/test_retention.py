"""Old runs are deleted: by ``pgflow-gen prune``, and by workers that were given a retention."""

from __future__ import annotations

import json

from tests.support.wait import eventually
from tests.support.worker_lab import Lab


def age(lab: Lab, run: str) -> None:
    lab.sql(
        "update pgflow.runs set started_at = started_at - interval '9 days',"
        " completed_at = completed_at - interval '9 days' where run_id = %s returning run_id",
        run,
    )


def runs(lab: Lab) -> set[str]:
    return {str(row["run_id"]) for row in lab.sql("select run_id from pgflow.runs")}


def test_prune_forgets_old_ended_runs_in_batches_and_nothing_else(lab: Lab) -> None:
    with lab.worker("chain") as worker:
        old = [lab.start("chain", n) for n in range(5)]
        young = lab.start("chain", 9)
        for run in [*old, young]:
            lab.completed(run)
        worker.stop()
    waiting = lab.start("chain", 1)
    lab.sql(
        "update pgflow.runs set started_at = now() - interval '99 days' where run_id = %s returning 1",
        waiting,
    )
    for run in old:
        age(lab, run)
    done = lab.project.ok("prune", "--older-than", "7d", "--batch", "2", "--json", "--dsn", lab.dsn)
    assert json.loads(done.stdout) == {"runs": 5}
    assert done.stderr.splitlines() == ["2 runs so far", "4 runs so far"]
    assert runs(lab) == {young, waiting}
    assert lab.project.ok("prune", "--older-than", "7d", "--dsn", lab.dsn).stdout == "deleted 0 runs\n"


def test_prune_refuses_what_is_no_duration(lab: Lab) -> None:
    done = lab.project.run("prune", "--older-than", "long", "--dsn", lab.dsn)
    assert done.returncode == 2
    assert "'long' is no duration" in done.stderr


def test_a_worker_with_a_retention_forgets_by_itself(lab: Lab) -> None:
    with lab.worker("chain") as worker:
        old, young = lab.start("chain", 1), lab.start("chain", 2)
        lab.completed(old)
        lab.completed(young)
        worker.stop()
    age(lab, old)
    with lab.worker("chain", retention="7d"):
        eventually(lambda: runs(lab) == {young})
