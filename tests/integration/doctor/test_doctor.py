"""``doctor`` on databases that ail from one thing each. The tests' server itself has fsync off: a problem."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, LiteralString
from uuid import UUID

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from psycopg.types.json import Jsonb

from pgflow_runtime.doctor import CODES, examine
from pgflow_runtime.project import find_project
from tests.support.batch import claim, fail, register
from tests.support.core import Core, Row, connect
from tests.support.crawl import LINES, write_contract
from tests.support.encodings import other_encoding
from tests.support.migrations import migration
from tests.support.project import Project
from tests.support.server import Server
from tests.support.steps_that_wait import add_signal, add_sleep
from tests.support.subflows import family, hand_over
from tests.support.undo_flows import fail_undo, failed_chain
from tests.support.wait import eventually

OF_THE_TEST_SERVER = ("--ignore", "settings.durability", "--ignore", "connections.use")
INPUT = '{"urls": ["a", "b"]}'
Asks = Callable[..., dict[str, dict[str, Any]]]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project.make(tmp_path, {})


@pytest.fixture
def hand(plain_database_dsn: str) -> Iterator[Core]:
    with connect(plain_database_dsn) as connection:
        core = Core(connection)
        core.flow("crawl", *LINES)
        yield core


@pytest.fixture
def ask(project: Project, plain_database_dsn: str) -> Callable[..., dict[str, dict[str, Any]]]:
    """What is not in order, by code."""

    def ask() -> dict[str, dict[str, Any]]:
        done = project.run("doctor", "--json", "--dsn", plain_database_dsn, *OF_THE_TEST_SERVER)
        document = json.loads(done.stdout)
        expected = {"ok": 0, "warning": 1, "problem": 2}[document["status"]]
        assert done.returncode == expected, done.stdout
        return {item["code"]: item for item in document["findings"] if item["severity"] != "ok"}

    return ask


@pytest.fixture
def do(plain_database_dsn: str) -> Iterator[Callable[..., None]]:
    """Change something as nobody should."""
    with psycopg.connect(plain_database_dsn, autocommit=True) as connection:

        def do(statement: LiteralString, *values: object) -> None:
            connection.execute(statement, values or None)

        yield do


def start(hand: Core) -> UUID:
    found = hand.value("select run_id from pgflow.start_flow('crawl', %s::jsonb)", INPUT)
    assert isinstance(found, UUID)
    return found


def put_off(hand: Core, tasks: list[Row]) -> None:
    """Let these tasks run again in an hour."""
    fail(hand, tasks, retry_after=[3600] * len(tasks))


def test_a_database_without_anything(project: Project, bare_database_dsn: str) -> None:
    done = project.run("doctor", "--dsn", bare_database_dsn)
    assert done.returncode == 2
    assert "problem  pgmq.schema" in done.stdout
    assert "problem  core.schema" in done.stdout
    assert "help: run `pgflow-gen migrate`" in done.stdout
    assert "problem  settings.durability" in done.stdout  # as the tests' server is


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
def test_a_database_of_another_encoding_is_warned_about(
    project: Project, postgres_server: Server, encoding: str
) -> None:
    with other_encoding(postgres_server, encoding) as dsn:
        done = project.run("doctor", "--dsn", dsn)
    assert f"warning server.encoding the database is encoded in {encoding}" in " ".join(done.stdout.split())


def test_a_healthy_database_is_told_so(project: Project, bare_database_dsn: str) -> None:
    write_contract(project.root / "generated")
    steps = {"urls": [], "fetch": ["urls"], "report": ["fetch", "urls"], "note": []}
    text = migration(steps=steps, maps={"fetch"}).text
    project.write("generated/migrations/0001_crawl.sql", text)
    project.ok("migrate", "--dsn", bare_database_dsn)
    done = project.ok("doctor", "--dsn", bare_database_dsn, *OF_THE_TEST_SERVER)
    assert done.stderr.endswith(": all in order\n")
    for line in ("core of version", "1 flow migration, all applied", "1 flow of this project", "0 open runs"):
        assert line in done.stdout
    quiet = project.ok("doctor", "--quiet", "--dsn", bare_database_dsn, *OF_THE_TEST_SERVER)
    assert (quiet.stdout, quiet.stderr) == ("", "")


def test_a_database_that_cannot_be_reached_is_a_problem(project: Project) -> None:
    done = project.run("doctor", "--dsn", "postgresql://localhost:1/none")
    assert (done.returncode, "problem  server.reach" in done.stdout) == (2, True)


def test_migrations_and_flows_that_differ(
    project: Project, hand: Core, plain_database_dsn: str, ask: Callable[[], dict[str, dict[str, Any]]]
) -> None:
    write_contract(project.root / "generated")
    hand.value("select pgflow.add_step('crawl', 'more', array['note'])")
    hand.value("select pgflow.create_flow('old')")
    hand.value("select run_id from pgflow.start_flow('crawl', %s::jsonb)", INPUT)
    project.write("generated/migrations/0001_crawl.sql", migration(steps={"urls": []}).text)
    found = ask()
    assert "not applied: 0001_crawl.sql" in found["flows.migrations"]["message"]
    assert "- more: single after note" in found["flows.shape"]["message"]
    assert found["flows.foreign"]["message"] == "flow 'old' is not of this project; it has no open runs"


def test_runs_that_nobody_works_on(hand: Core, ask: Callable[[], dict[str, dict[str, Any]]]) -> None:
    assert ask()["workers.none"]["severity"] == "note"
    start(hand)
    found = ask()["workers.none"]
    assert (found["severity"], "and 1 run wait" in found["message"]) == ("problem", True)
    worker = "00000000-0000-0000-0000-000000000001"
    hand.value("select pgflow.register_worker(%s, 'crawl', 'w')", worker)
    assert "workers.none" not in ask()
    late = "update pgflow.workers set last_heartbeat_at = now() - interval '31 seconds' returning 1"
    hand.value(late)
    found = ask()
    assert "none has been heard of for " in found["workers.none"]["message"]
    assert found["workers.dead"]["severity"] == "warning"
    hand.value("update pgflow.workers set beats = false returning 1")
    assert not {"workers.none", "workers.dead"} & set(ask()), "its task may last that long"
    hand.value("update pgflow.workers set last_heartbeat_at = now() - interval '1 hour' returning 1")
    found = ask()
    assert found["workers.none"]["severity"] == "problem"
    assert "workers.dead" not in found, "such workers end without saying so"


def test_stuck_runs(
    hand: Core, do: Callable[..., None], ask: Callable[[], dict[str, dict[str, Any]]]
) -> None:
    emptied, halted, stalled, overdue = (start(hand) for _ in range(4))
    assert not {code for code in ask() if code.startswith("runs.")}
    do("delete from pgmq.q_crawl where message ->> 'run_id' = %s", str(emptied))
    do(
        "update pgflow.step_states set status = 'created', started_at = null, remaining_tasks = null"
        " where run_id = %s",
        halted,
    )
    do(
        "update pgflow.step_tasks set status = 'started', started_at = queued_at,"
        " permanently_stalled_at = now() where run_id = %s",
        stalled,
    )
    do(
        "update pgflow.step_tasks set status = 'started', queued_at = now() - interval '1 hour',"
        " started_at = now() - interval '1 hour' where run_id = %s",
        overdue,
    )
    do("update pgflow.runs set started_at = now() - interval '25 hours' where run_id = %s", overdue)
    found = ask()
    for code, run_id in (
        ("runs.lost-messages", emptied),
        ("runs.stuck", halted),
        ("runs.stalled", stalled),
        ("runs.overdue", overdue),
    ):
        assert str(run_id) in found[code]["message"], code
        others = {str(other) for other in (emptied, halted, stalled, overdue)} - {str(run_id)}
        assert not any(other in found[code]["message"] for other in others), code
    assert found["runs.open"]["message"].startswith("1 run of 4 open ones started over a day ago")


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (
            "delete from pgflow.runs where run_id = %s",
            "there are step states whose run or step is gone, of 1 run (",
        ),
        (
            "delete from pgflow.step_states where run_id = %s",
            "there are tasks whose step state is gone, of 1 run (",
        ),
        (
            "update pgflow.runs set flow_slug = 'gone' where run_id = %s",
            "there are rows whose flow is gone, of 1 run (",
        ),
    ],
)
def test_rows_that_belong_to_nothing(
    hand: Core, do: Callable[..., None], ask: Callable[[], dict[str, dict[str, Any]]], change: str, what: str
) -> None:
    start(hand)
    orphaned = start(hand)
    do("set session_replication_role = replica")  # as a superuser does who means well
    do(change, orphaned)
    found = ask()["runs.orphans"]
    assert found["message"].startswith(what)
    assert str(orphaned) in found["message"]


def test_a_long_queue(
    hand: Core, do: Callable[..., None], ask: Callable[[], dict[str, dict[str, Any]]]
) -> None:
    start(hand)
    do("update pgmq.q_crawl set vt = now() - interval '10 minutes'")
    assert "wait for a worker, the first for 60" in ask()["runs.backlog"]["message"]


def test_what_waits_is_not_lost(
    hand: Core, do: Callable[..., None], ask: Callable[[], dict[str, dict[str, Any]]]
) -> None:
    """Held runs, long retries, paused flows and schedules are told of, and not as if something were wrong."""
    waiting, held, _ = start(hand), start(hand), start(hand)
    worker = register(hand, "crawl")
    put_off(hand, [task for task in claim(hand, (worker, "crawl")) if task.run_id == waiting])
    hand.call("hold_runs", run_ids=[held])
    hand.value("select pgflow.pause_flow('crawl')")
    spec = '{"every": 60, "timezone": "UTC", "overlap": "skip", "catch_up": "latest"}'
    hand.row("select pgflow.create_schedule('crawl', 'often', %s, '{}')", spec)
    hand.row("select pgflow.pause_schedule('crawl', 'often')")
    do("update pgmq.q_crawl set vt = now() - interval '10 minutes'")
    kinds = ("runs.", "timers.", "flows.p", "schedules.")
    found = {code: item for code, item in ask().items() if code.startswith(kinds)}
    assert found.keys() == {"runs.held", "flows.paused", "schedules.paused"}
    assert found["schedules.paused"]["message"] == "1 schedule paused: crawl.often"
    assert {item["severity"] for item in found.values()} == {"note"}
    assert str(held) in found["runs.held"]["message"]
    assert found["flows.paused"]["message"] == "1 flow paused: crawl"


def test_what_waits_for_nothing_is_lost(
    hand: Core, do: Callable[..., None], ask: Callable[[], dict[str, dict[str, Any]]]
) -> None:
    run_id = start(hand)
    put_off(hand, claim(hand, (register(hand, "crawl"), "crawl")))
    do("delete from pgflow.timers")
    assert str(run_id) in ask()["runs.lost-messages"]["message"]


def resting(hand: Core) -> list[UUID]:
    """Runs that wait: one for its time to begin, two in a step without a handler."""
    hand.create_flow("resting")
    add_sleep(hand, "resting", "nap", seconds=600)
    hand.create_flow("asking")
    add_signal(hand, "asking", "answer", deadline=600)
    query = "select * from pgflow.start_flows('resting', array['1'::jsonb], options => %s)"
    later = hand.row(query, Jsonb({"begins_at": "2099-01-01T00:00:00Z"})).run_id
    return [later, *(hand.start_flow(flow).run_id for flow in ("resting", "asking"))]


def test_steps_and_runs_that_wait_for_their_time_are_in_order(
    hand: Core, ask: Callable[[], dict[str, dict[str, Any]]]
) -> None:
    resting(hand)
    found = {code: item["severity"] for code, item in ask().items() if code.startswith(("runs.", "timers."))}
    assert found == {}


@pytest.mark.parametrize(
    ("table", "place"),
    [("timers", 0), ("timers", 1), ("waiting_signals", 2)],
    ids=["begin", "sleep", "signal"],
)
def test_what_waits_and_cannot_end_is_told_of(
    hand: Core, do: Callable[..., None], ask: Callable[[], dict[str, dict[str, Any]]], table: str, place: int
) -> None:
    run_id = resting(hand)[place]
    do(f"delete from pgflow.{table} where run_id = %s", run_id)
    assert "1 wait can not end: " in (message := ask()["runs.lost-waits"]["message"])
    assert str(run_id) in message


def test_timers_that_nobody_fires_or_that_fail(
    hand: Core, do: Callable[..., None], ask: Callable[[], dict[str, dict[str, Any]]]
) -> None:
    start(hand)
    put_off(hand, claim(hand, (register(hand, "crawl"), "crawl")))
    do("update pgflow.timers set due_at = now() - interval '61 seconds'")
    assert ask()["timers.late"]["message"].startswith("2 timers fell due over a minute ago")
    do("update pgflow.timers set failures = 2, error_message = 'no room (XX001)'")
    found = ask()
    assert "timers.late" not in found
    assert "no room" in found["timers.failing"]["message"]


HOURLY = {"every": 3600, "timezone": "UTC", "overlap": "skip", "catch_up": "latest"}


def test_a_schedule_that_fails_is_named(hand: Core, do: Callable[..., None], ask: Asks) -> None:
    hand.row("select pgflow.create_schedule('crawl', 'often', %s, '{}')", Jsonb(HOURLY))
    do("update pgflow.timers set failures = 1, error_message = 'no such key (22000)'")
    assert "no such key (22000) (schedule crawl.often)" in ask()["timers.failing"]["message"]


def test_schedules_that_start_what_nobody_does(
    hand: Core, ask: Asks, project: Project, plain_database_dsn: str
) -> None:
    """Not where a worker of elsewhere serves them, nor where this is no project's folder."""
    for slug in ("crawl", "crawl_v2", "strange", "served"):
        if slug != "crawl":
            hand.flow(slug, "a")
        hand.row("select pgflow.create_schedule(%s, %s, %s, '{}')", slug, f"of_{slug}", Jsonb(HOURLY))
    register(hand, "served")
    assert "schedules.unserved" not in ask()
    write_contract(project.root / "generated")
    done = project.run("doctor", "--json", "--dsn", plain_database_dsn)
    found = json.loads(done.stdout)["findings"]
    messages = [item["message"] for item in found if item["code"] == "schedules.unserved"]
    assert any(
        "a version that is not in the sources any more" in text and "crawl_v2" in text for text in messages
    )
    assert any("not of this project" in text and "strange.of_strange" in text for text in messages)
    assert not any("of_served" in text or "crawl.of_crawl" in text for text in messages)


def test_signals_without_an_end_that_nobody_sends(hand: Core, do: Callable[..., None], ask: Asks) -> None:
    hand.create_flow("asking")
    add_signal(hand, "asking", "answer")
    add_signal(hand, "asking", "soon", deadline=10**7)
    run = hand.start_flow("asking").run_id
    assert "signals.waiting" not in ask()
    do("update pgflow.waiting_signals set since = since - interval '8 days'")
    assert f"the first answer of run {run}" in (message := ask()["signals.waiting"]["message"])
    assert message.startswith("1 signal without a deadline")


def test_undos_that_failed_need_somebody(hand: Core, ask: Asks) -> None:
    run, undo = failed_chain(hand)
    assert "undos.failed" not in ask()
    fail_undo(hand)
    found = ask()["undos.failed"]
    assert found["message"] == f"1 undo failed, the first {undo}, of run {run} of flow 'f'"
    hand.call("retry_runs", run_ids=[undo])
    assert "undos.failed" not in ask()


def test_children_that_are_waited_for_are_there(hand: Core, do: Callable[..., None], ask: Asks) -> None:
    family(hand)
    run = hand.start_flow("parent").run_id
    hand_over(hand, run)
    assert "runs.lost-messages" not in ask()
    hand.work("child")
    assert "runs.lost-messages" not in ask(), "its end is on the way"
    do("delete from pgflow.ended_children")
    assert str(run) in ask()["runs.lost-messages"]["message"]


def test_queues(hand: Core, ask: Callable[[], dict[str, dict[str, Any]]]) -> None:
    hand.value("select pgflow.create_flow('shop')")
    hand.value("select pgmq.drop_queue('shop')")
    hand.value("update pgmq.meta set is_unlogged = true where queue_name = 'crawl' returning 1")
    found = ask()
    assert "flow 'shop' has no queue" in found["pgmq.queue"]["message"]
    assert "flow 'crawl' is unlogged" in found["pgmq.unlogged"]["message"]


def test_dead_rows_and_updates_that_are_not_hot(
    hand: Core,
    do: Callable[..., None],
    plain_database_dsn: str,
    ask: Callable[[], dict[str, dict[str, Any]]],
) -> None:
    do("create index on pgflow.step_tasks (status)")
    start(hand)
    with psycopg.connect(plain_database_dsn, autocommit=True) as other:  # what it did counts when it is gone
        other.execute(
            "insert into pgflow.step_tasks (flow_slug, run_id, step_slug, task_index)"
            " select flow_slug, run_id, step_slug, n from pgflow.step_tasks, generate_series(1, 15000) n"
            " where step_slug = 'urls'"
        )
        for status in ("started", "queued", "started", "queued", "started"):
            other.execute("update pgflow.step_tasks set status = %s", [status])

    def probe() -> dict[str, dict[str, Any]] | None:
        found = ask()
        return found if {"bloat.dead-rows", "bloat.hot"} <= found.keys() else None

    found = eventually(probe)
    assert found is not None
    assert "pgflow.step_tasks holds" in found["bloat.dead-rows"]["message"]
    assert "of the updates of pgflow.step_tasks are HOT" in found["bloat.hot"]["message"]


def test_the_connection_budget(hand: Core, project: Project, plain_database_dsn: str) -> None:
    for number in range(3):
        hand.value("select pgflow.register_worker(%s, 'crawl', 'w')", UUID(int=number + 1))
    findings = examine(
        plain_database_dsn, find_project(project.root), {"PGFLOW_MAX_HANDLER_CONNECTIONS": "500"}
    )
    (found,) = [item for item in findings if item.code == "connections.budget"]
    assert "3 at least, may come to need 1518 connections (506 each)" in found.message
    fine = examine(plain_database_dsn, find_project(project.root), {"PGFLOW_MAX_HANDLER_CONNECTIONS": "1"})
    assert "connections.budget" not in {item.code for item in fine}


def test_sessions_that_forgot_their_transaction(
    hand: Core, plain_database_dsn: str, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pgflow_runtime.doctor.settings.IDLE", 0)
    with psycopg.connect(plain_database_dsn, application_name="forgetful") as session:
        session.execute("select 1")
        pid = session.info.backend_pid
        findings = examine(plain_database_dsn, find_project(project.root), {})
    (found,) = [item for item in findings if item.code == "settings.transactions" and item.help]
    assert "idle in transaction" in found.message
    assert f"forgetful, pid {pid}" in found.message


@pytest.mark.parametrize("role", ["pgflow_client", "pgflow_worker"])
def test_restricted_roles_are_told_what_they_could_not_see(
    project: Project, bare_database_dsn: str, postgres_server: Any, role: str
) -> None:
    project.ok("migrate", "--roles", "--dsn", bare_database_dsn)
    dsn = make_conninfo(bare_database_dsn, options=f"-c role={role}")
    done = project.run("doctor", "--json", "--dsn", dsn, *OF_THE_TEST_SERVER)
    document = json.loads(done.stdout)
    by_code = {item["code"]: item for item in document["findings"]}
    assert (done.returncode, document["status"]) == (0, "ok")
    assert by_code["core.version"]["severity"] == "ok"
    assert by_code["runs.stuck"]["severity"] == "unseen"
    assert "permission denied for table " in by_code["runs.stuck"]["message"]
    assert "pgflow_owner" in by_code["runs.stuck"]["help"]


def test_codes_can_be_left_out_and_unknown_ones_are_refused(project: Project, bare_database_dsn: str) -> None:
    ignored = [word for code in CODES for word in ("--ignore", code)]
    assert project.ok("doctor", "--dsn", bare_database_dsn, *ignored).stdout == ""
    assert project.run("doctor", "--ignore", "everything").returncode == 2


def test_nothing_is_changed(project: Project, hand: Core, plain_database_dsn: str) -> None:
    start(hand)
    tables = ("runs", "step_states", "step_tasks", "workers", "migrations")
    sums = [f"select md5(string_agg(t::text, ',' order by t::text)) from pgflow.{name} t" for name in tables]
    before = [hand.value(query) for query in sums]
    project.run("doctor", "--dsn", plain_database_dsn)
    assert [hand.value(query) for query in sums] == before
