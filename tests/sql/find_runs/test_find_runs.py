"""Runs page by page, and that a page never costs more than a page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from psycopg.types.json import Jsonb

from tests.support.core import Core, Row

MANY = 3000


def found(core: Core, **arguments: Any) -> list[Row]:
    return core.call("find_runs", **arguments)


def ids(rows: list[Row]) -> list[UUID]:
    return [row.run_id for row in rows]


def pages(core: Core, size: int, **arguments: Any) -> Iterator[list[Row]]:
    """All pages, as a reader follows them."""
    at: dict[str, Any] = {}
    while rows := found(core, max_runs=size, **arguments, **at):
        yield rows
        at = {"before_at": rows[-1].started_at, "before_id": rows[-1].run_id}


@pytest.fixture
def history(core: Core) -> Core:
    """Many runs: a second apart, most completed, one in a hundred failed, two flows; one started last."""
    core.flow("f", "a", "b")
    core.flow("g", "a")
    core.run_sql(
        """
        insert into pgflow.runs
          (run_id, flow_slug, status, input, remaining_steps, started_at, completed_at, failed_at,
           error_message)
        select
          overlay(pgflow._first_run_id(t.at)::text placing lpad(to_hex(n), 12, '0') from 25)::uuid,
          case when n %% 10 = 0 then 'g' else 'f' end,
          case when n %% 100 = 0 then 'failed' else 'completed' end,
          '{}', case when n %% 100 = 0 then 1 else 0 end, t.at,
          case when n %% 100 <> 0 then t.at + interval '2 s' end,
          case when n %% 100 = 0 then t.at + interval '2 s' end,
          case when n %% 100 = 0 then repeat('why ', 200) end
        from generate_series(1, %(many)s) n
        cross join lateral (select now() - (%(many)s - n) * interval '1 second' as at) t
        """,
        {"many": MANY},
    )
    return core


def test_pages_follow_each_other_without_gap_or_repetition(history: Core) -> None:
    everything = history.rows("select run_id from pgflow.runs order by run_id desc")
    seen = [run_id for rows in pages(history, 700) for run_id in ids(rows)]
    assert seen == ids(everything)


def test_pages_of_a_flow(history: Core) -> None:
    wanted = history.rows(
        "select run_id from pgflow.runs where flow_slug = 'g' order by started_at desc, run_id desc"
    )
    assert [i for rows in pages(history, 70, only_flow="g") for i in ids(rows)] == ids(wanted)


def test_pages_of_a_flow_whose_runs_started_at_the_same_moment(core: Core) -> None:
    core.flow("f", "a")
    core.rows("select * from pgflow.start_flows('f', array_fill('1'::jsonb, array[25]))")
    wanted = core.rows("select run_id from pgflow.runs order by run_id desc")
    assert [i for rows in pages(core, 7, only_flow="f") for i in ids(rows)] == ids(wanted)


@pytest.mark.parametrize("flow", [None, "f", "g"])
def test_failed_runs(history: Core, flow: str | None) -> None:
    rows = found(history, only_status="failed", only_flow=flow, max_runs=1000)
    wanted = history.rows(
        "select run_id from pgflow.runs where status = 'failed' and flow_slug = coalesce(%s, flow_slug)"
        " order by run_id desc",
        flow,
    )
    assert ids([row for row in rows if row.status]) == ids(wanted)


@pytest.mark.parametrize("flow", [None, "g"])
@pytest.mark.parametrize("status", [None, "completed", "failed"])
def test_between_two_times(history: Core, flow: str | None, status: str | None) -> None:
    since, until = history.now() - timedelta(seconds=1500), history.now() - timedelta(seconds=500)
    rows = found(history, only_flow=flow, only_status=status, since=since, until=until, max_runs=5000)
    wanted = history.rows(
        """select run_id from pgflow.runs where started_at >= %s and started_at < %s
           and status = coalesce(%s, status) and flow_slug = coalesce(%s, flow_slug) order by run_id desc""",
        since, until, status, flow,
    )  # fmt: skip
    assert ids([row for row in rows if row.status]) == ids(wanted)
    assert wanted or (flow, status) == ("f", "failed")


def test_a_rare_status_is_searched_for_in_pieces(history: Core) -> None:
    history.flow("open", "a")
    old = history.start_flow("open")
    (run,) = found(history, only_status="started")[:1]
    assert (run.run_id, run.status) == (old.run_id, "started")
    (stop,) = found(history, only_status="started", before_id=old.run_id, max_scanned=1000)
    assert (stop.status, stop.step_count) == (None, None)
    assert history.value("select count(*) from pgflow.runs where run_id >= %s", stop.run_id) == 1001
    assert found(history, only_status="started", before_id=stop.run_id, max_scanned=2000)[-1].status is None
    assert found(history, only_status="started", before_id=stop.run_id, max_scanned=2001) == []


def test_what_a_row_tells(history: Core) -> None:
    (failed,) = found(history, only_status="failed", max_runs=1)
    run = history.run(failed.run_id)
    assert (failed.flow_slug, failed.step_count, failed.remaining_steps) == ("g", 1, 1)
    assert (failed.started_at, failed.ended_at) == (run.started_at, run.failed_at)
    assert failed.error_message == run.error_message[:300]


@pytest.mark.parametrize("at", ["-infinity", "infinity", "1900-01-01", "2026-03-01 12:00:00.123456+00"])
def test_first_run_id(core: Core, at: str) -> None:
    """Not before the ids made earlier, not after those made later, and never an error."""
    first = core.value("select pgflow._first_run_id(%s)", at)
    assert first.version == 7
    if at.startswith("2026"):
        assert first.int >> 80 == 1_772_366_400_123


def test_ids_made_now_lie_after_the_bound_of_now(core: Core) -> None:
    assert core.value("select pgflow._first_run_id(clock_timestamp()) <= pgflow.new_run_id()")
    assert core.value(
        "select pgflow.new_run_id() < pgflow._first_run_id(clock_timestamp() + '1 s'::interval)"
    )


CASES = {
    "all": ({}, "runs_pkey"),
    "a flow": ({"only_flow": "f"}, "runs_by_start_idx"),
    "failed": ({"only_status": "failed"}, "runs_undone_idx"),
    "failed of a flow": ({"only_status": "failed", "only_flow": "g"}, "runs_undone_idx"),
    "completed": ({"only_status": "completed"}, "runs_pkey"),
}


@pytest.mark.parametrize("case", CASES)
def test_a_page_reads_a_page(history: Core, case: str) -> None:
    """No scan of the table and no sort of it: that would read all runs."""
    before = _reads(history)
    rows = found(history, max_runs=20, **CASES[case][0])
    after = _reads(history)
    assert len(rows) == 20
    assert after.seq_scan == before.seq_scan
    assert after.seq_tup_read == before.seq_tup_read
    assert after.idx_tup_fetch - before.idx_tup_fetch <= 320  # a cursor's first 20, one in ten of a flow


@pytest.mark.parametrize("case", CASES)
def test_plans(history: Core, case: str) -> None:
    """Each of the function's queries, as it plans them, walks along an index."""
    arguments, index = CASES[case]
    source = history.value("select prosrc from pg_proc where oid = 'pgflow.find_runs'::regproc")
    queries = re.findall(r"open v_cursor for(.*?);", source, re.DOTALL)
    assert len(queries) == 3
    which = 0 if arguments.get("only_status") == "failed" else 1 if "only_flow" in arguments else 2
    plan = _explain(history, queries[which], arguments)
    assert f"Index Scan using {index}" in plan or f"Index Scan Backward using {index}" in plan, plan
    assert "Seq Scan" not in plan
    assert not re.search(r"(?<!Incremental )Sort\b(?! Key)", plan), plan


def _explain(core: Core, query: str, arguments: dict[str, Any]) -> str:
    """The plan of one of the function's queries under the function's settings."""
    for setting in core.value("select proconfig from pg_proc where oid = 'pgflow.find_runs'::regproc"):
        name, _, value = setting.partition("=")
        if name.startswith("enable_"):
            core.run_sql(f"set local {name} = {value}")
    values = {
        "find_runs.only_flow": f"'{arguments.get('only_flow')}'::text",
        "find_runs.since": "null::timestamptz",
        "find_runs.until": "null::timestamptz",
        "find_runs.before_at": "now()",
        "find_runs.before_id": "pgflow.new_run_id()",
        "v_low": "'00000000-0000-0000-0000-000000000000'::uuid",
        "v_high": "'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid",
    }
    for name, value in values.items():
        query = query.replace(name, value)
    return "\n".join(row[0] for row in core.rows(f"explain {query}"))


def _reads(core: Core) -> Row:
    return core.row("select * from pg_stat_xact_user_tables where relid = 'pgflow.runs'::regclass")


def test_runs_by_what_is_in_their_input(core: Core) -> None:
    core.flow("f", "a")
    inputs = [
        {"email": "Ann@example.org", "n": 1},
        {"email": "bob@example.org", "tags": ["x", "y"]},
        [3, "50%"],
    ]
    runs = [core.start_flow("f", value).run_id for value in inputs]

    def among(**arguments: Any) -> list[int]:
        return sorted(runs.index(run_id) for run_id in ids(found(core, **arguments)))

    assert among(in_input="ann@EXAMPLE") == [0]
    assert among(in_input="example.org") == [0, 1]
    assert among(in_input="50%") == [2]
    assert among(in_input="5_%") == []
    assert among(input_contains=Jsonb({"tags": ["y"]})) == [1]
    assert among(input_contains=Jsonb({"n": 1.0}), only_flow="f") == [0]
    assert among(id_from=runs[1], id_below=UUID(int=runs[1].int + 1)) == [1]
    assert among(id_from=runs[1], only_flow="f") == sorted(n for n in range(3) if runs[n] >= runs[1])
    (row, *more) = found(core, in_input="nowhere", max_scanned=2)
    assert (row.status, more) == (None, [])
