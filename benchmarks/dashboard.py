"""How long the dashboard's pages take with a million finished runs in the tables.

    python -m benchmarks.dashboard [--runs 1000000] [--requests 60]

A fresh server with durable defaults; the runs are inserted in bulk, the latest ones with their steps and
tasks. Pages are requested one after the other over HTTP from the command as users start it, the subjects
taking turns; the time is from sending to the last byte. An answer without the rows it must have ends it all.
"""

from __future__ import annotations

import argparse
import http.client
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

import psycopg

from benchmarks.server import BenchmarkError, running_server
from pgflow_runtime.migrate import migrate

STEPS = 3
DETAILED = 50_000
"""The latest runs have steps and tasks, which pages of single runs and flows read."""
GOAL_MS = 100

FLOWS = """
select pgflow.create_flow(f), pgflow.add_step(f, 'first'), pgflow.add_step(f, 'second', array['first']),
  pgflow.add_step(f, 'third', array['second'])
from unnest(array['common', 'frequent', 'rare']) f
"""

RUNS = """
insert into pgflow.runs
  (run_id, flow_slug, status, input, output, remaining_steps, started_at, completed_at, failed_at,
   error_message)
select
  overlay(pgflow._first_run_id(t.at)::text placing lpad(to_hex(n), 12, '0') from 25)::uuid,
  case when n %% 10000 = 0 then 'rare' when n %% 10 < 3 then 'frequent' else 'common' end,
  case when n %% 5000 = 77 then 'failed' else 'completed' end,
  jsonb_build_object('order', n, 'lines', jsonb_build_array(n, n + 1, n + 2), 'note', md5(n::text)),
  case when n %% 5000 <> 77 then jsonb_build_object('third', n) end,
  case when n %% 5000 = 77 then 1 else 0 end,
  t.at,
  case when n %% 5000 <> 77 then t.at + interval '1 s' * (1 + n %% 7) end,
  case when n %% 5000 = 77 then t.at + interval '1 s' end,
  case when n %% 5000 = 77 then 'ValueError: run ' || n end
from generate_series(1, %(runs)s) n
cross join lateral (select now() - (%(runs)s - n) * interval '0.1 second' - interval '1 minute' as at) t
"""

STATES = """
insert into pgflow.step_states
  (flow_slug, run_id, step_slug, status, remaining_tasks, initial_tasks, output, created_at, started_at,
   completed_at)
select r.flow_slug, r.run_id, s.slug, 'completed', 0, 1, '{"ok": true}', r.started_at, r.started_at,
  r.started_at + interval '0.3 s'
from (select * from pgflow.runs order by run_id desc limit %(detailed)s) r
cross join unnest(array['first', 'second', 'third']) s(slug)
"""

TASKS = """
insert into pgflow.step_tasks
  (flow_slug, run_id, step_slug, status, attempts_count, output, queued_at, started_at, completed_at)
select s.flow_slug, s.run_id, s.step_slug, 'completed', 1, s.output, s.created_at, s.started_at,
  s.completed_at
from pgflow.step_states s
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=1_000_000, help="finished runs in the table")
    parser.add_argument("--requests", type=int, default=60, help="requests of each page")
    options = parser.parse_args()
    with running_server() as server, tempfile.TemporaryDirectory() as folder:
        dsn = server.create_database("dashboard")
        migrate(dsn, (), roles=False)
        run_id, middle = fill(dsn, options.runs)
        with dashboard(dsn, Path(folder)) as port:
            report(measure(port, pages(run_id, middle), options.requests), options.runs)


def fill(dsn: str, runs: int) -> tuple[str, str]:
    """Returns the latest run's id, and the place in the list where half of the runs are newer."""
    began = time.perf_counter()
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(FLOWS)
        connection.execute(
            "set session_replication_role = replica"
        )  # no foreign keys looked up a million times
        connection.execute(RUNS, {"runs": runs})
        connection.execute(STATES, {"detailed": min(DETAILED, runs)})
        connection.execute(TASKS)
        connection.execute("vacuum analyze")
        row = connection.execute("select run_id from pgflow.runs order by run_id desc limit 1").fetchone()
        half = connection.execute(
            "select started_at, run_id from pgflow.runs order by run_id desc offset %s limit 1", [runs // 2]
        ).fetchone()
    assert row is not None
    assert half is not None
    print(f"{runs:,} runs inserted in {time.perf_counter() - began:.0f} s", file=sys.stderr)
    return str(row[0]), f"{half[0].isoformat()}_{half[1]}"


def pages(run_id: str, middle: str) -> dict[str, tuple[str, int]]:
    """Name -> address, and how many rows its table has at least."""

    def runs(**query: str) -> str:
        return "/runs?" + urlencode(query)

    return {
        "runs": ("/runs", 50),
        "runs, half way down": (runs(before=middle), 50),
        "runs of a flow": (runs(flow="frequent"), 50),
        "runs of a flow, half way down": (runs(flow="frequent", before=middle), 50),
        "runs of a rare flow (1 in 10,000)": (runs(flow="rare"), 1),
        "failed runs (1 in 5,000)": (runs(status="failed"), 1),
        "failed runs of a flow": (runs(status="failed", flow="common"), 1),
        "completed runs of the last hour": (runs(status="completed", span="1h"), 50),
        "running runs: none, 10,000 looked at": (runs(status="started"), 0),
        "a run": (f"/runs/{run_id}", STEPS),
        "a flow, last hour (20,000 runs at most)": ("/flows/common", STEPS),
        "flows": ("/flows", 3),
    }


@contextmanager
def dashboard(dsn: str, folder: Path) -> Iterator[int]:
    """The command, in an empty project; yields its port."""
    process = subprocess.Popen(
        [sys.executable, "-m", "pgflow_gen", "dashboard", "--dsn", dsn, "--port", "0"],
        cwd=folder,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stderr is not None
        for line in process.stderr:
            if found := re.search(r"http://[^/]*:(\d+)/", line):
                yield int(found[1])
                return
        raise BenchmarkError("the dashboard did not start")
    finally:
        process.terminate()
        process.wait()


def measure(port: int, wanted: dict[str, tuple[str, int]], requests: int) -> dict[str, list[float]]:
    """Milliseconds of each request. Raises BenchmarkError for an answer that is not what was asked for."""
    times: dict[str, list[float]] = {name: [] for name in wanted}
    connection = http.client.HTTPConnection("127.0.0.1", port)
    for turn in range(requests + 3):
        for name, (address, rows) in wanted.items():
            began = time.perf_counter()
            connection.request("GET", address)
            response = connection.getresponse()
            text = response.read().decode()
            taken = (time.perf_counter() - began) * 1000
            found = text.partition("<tbody>")[2].partition("</tbody>")[0].count("<tr")
            if response.status != 200 or found < rows:
                raise BenchmarkError(f"{name}: status {response.status}, {found} rows")
            if turn >= 3:  # the first ones compile templates and open connections
                times[name].append(taken)
    return times


def report(times: dict[str, list[float]], runs: int) -> None:
    print(f"| page, {runs:,} runs | median ms | p95 ms | goal {GOAL_MS} ms |")
    print("|---|---|---|---|")
    for name, found in times.items():
        p95 = statistics.quantiles(found, n=20)[-1] if len(found) > 1 else found[0]
        verdict = "reached" if p95 < GOAL_MS else "**not reached**"
        print(f"| {name} | {statistics.median(found):.1f} | {p95:.1f} | {verdict} |")


if __name__ == "__main__":
    main()
