"""Workers die by kill -9 while runs start others and wait for them: none is lost or counted twice."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable
from random import Random

from tests.support.core import Core, connect
from tests.support.crew import crew
from tests.support.invariants import assert_sound
from tests.support.soak import MOST_STALLED
from tests.support.wait import eventually
from tests.support.worker_lab import Lab

SIZE = 3
SHORT_KILLS, SHORT_RUNS = 6, 8
CHILDREN = (0, 1, 3, 12)
_RUNS = """
select r.run_id::text, (r.input ->> 'size')::int as size, r.status, r.output, r.error_message,
  count(o.run_id)::int as children,
  exists (
    select 1
    from pgflow.step_tasks t
    where t.permanently_stalled_at is not null
      and (t.run_id = r.run_id or t.run_id in (
        select c.run_id from pgflow.origins c where c.kind = 'child' and c.from_run_id = r.run_id
      ))
  ) as is_stalled
from pgflow.runs r left join pgflow.origins o on o.kind = 'child' and o.from_run_id = r.run_id
where r.flow_slug = 'brood'
group by r.run_id
"""


def test_children_are_counted_once_when_workers_die(
    lab: Lab, trust_seconds: float, trust_random: Random, trust_report: Callable[..., None]
) -> None:
    log, sizes, kills = lab.folder / "attempts", list[int](), 0
    with crew(lab, SIZE, "brood", "egg", max_concurrent="12", batch_size="6") as workers:
        deadline = time.monotonic() + trust_seconds
        while kills < SHORT_KILLS if not trust_seconds else time.monotonic() < deadline:
            if not sizes or trust_seconds:
                new = [trust_random.choice(CHILDREN) for _ in range(SHORT_RUNS)]
                inputs = [json.dumps({"log": str(log), "size": size}) for size in new]
                lab.sql("select run_id from pgflow.start_flows('brood', %s::jsonb[])", inputs)
                sizes += new
            chosen = trust_random.choice(sorted(workers.workers))
            workers.workers[chosen].until_serving()
            time.sleep(trust_random.uniform(0.0, 0.5))
            workers.kill(chosen)
            kills += 1
            workers.hire()
        open_runs = "select count(*)::int as count from pgflow.runs where status = 'started'"
        eventually(lambda: lab.sql(open_runs) == [{"count": 0}], timeout=180)
        workers.stop()

    rows = lab.sql(_RUNS)
    assert sorted(row["size"] for row in rows) == sorted(sizes)
    # the long form deals out so many deaths that a task may meet three
    stalled = [row for row in rows if row["is_stalled"]]
    assert len(stalled) <= (max(1, MOST_STALLED * len(rows)) if trust_seconds else 0), stalled
    assert [
        row
        for row in rows
        if not row["is_stalled"]
        and (row["status"], row["output"]) != ("completed", {"count": 3 * sum(range(row["size"]))})
    ] == []
    assert lab.sql("select * from trust.faults limit 20") == []
    assert [row for row in rows if row["children"] != row["size"] and not row["is_stalled"]] == []
    (found,) = lab.sql("select count(*)::int as count from pgflow.runs where flow_slug = 'egg'")
    assert found["count"] == sum(row["children"] for row in rows)
    lines = log.read_text(encoding="ascii").splitlines() if log.exists() else []
    begun = Counter(tuple(line.split()[:4]) for line in lines)
    assert [attempt for attempt, times in begun.items() if times > 1] == []
    with connect(lab.dsn) as connection:
        assert_sound(Core(connection))
    trust_report(kills=kills, runs=len(sizes), children=sum(sizes), stalled=len(stalled))
