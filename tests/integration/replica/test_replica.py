"""Pages and the doctor read a streaming standby, and what people do goes to its primary."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import psycopg
import pytest
from click.testing import CliRunner
from psycopg.conninfo import make_conninfo

from pgflow_runtime.cli.dashboard import dashboard as dashboard_command
from pgflow_runtime.cli.doctor import doctor as doctor_command
from pgflow_runtime.dashboard import DashboardOptions
from pgflow_runtime.dashboard.app import make_app
from pgflow_runtime.dashboard.reading.reader import Reader
from pgflow_runtime.dashboard.reading.replica import check_before_reading
from pgflow_runtime.database import replica as replicas
from pgflow_runtime.database.dsn import LIBPQ_VARIABLES, ReadDsn
from pgflow_runtime.doctor import Finding, Severity, examine
from pgflow_runtime.errors import PgflowError, UsageError
from pgflow_runtime.project import find_project
from tests.support.dashboard import Answer, Dashboard, running
from tests.support.own_server import OwnServer, own_server
from tests.support.standby import LOGGED, Standby, said_by, standby_of
from tests.support.wait import eventually
from tests.support.worker_lab import Lab, make_project

ACTS, READS = "acts", "reads"
"""What programs are called in the logs of the primary and of the standby."""
NOWHERE = "host=/nowhere user=postgres dbname=postgres"


@pytest.fixture(scope="module")
def primary() -> Iterator[OwnServer]:
    with own_server(settings=LOGGED) as found:
        yield found


@pytest.fixture(scope="module")
def lab(primary: OwnServer, tmp_path_factory: pytest.TempPathFactory) -> Lab:
    project = make_project(tmp_path_factory.mktemp("replica"))
    project.ok("migrate", "--dsn", primary.dsn)
    return Lab(project, make_conninfo(primary.dsn, application_name=ACTS), project.root)


@pytest.fixture(scope="module")
def standby(primary: OwnServer, lab: Lab) -> Iterator[Standby]:
    with standby_of(primary, LOGGED) as found:
        yield found


@pytest.fixture(scope="module")
def read_dsn(standby: Standby) -> str:
    return make_conninfo(standby.dsn, application_name=READS)


@pytest.fixture(scope="module")
def dashboard(lab: Lab, read_dsn: str) -> Iterator[Dashboard]:
    with running(lab.project, lab.dsn, lab.folder, "--allow-control", "--read-dsn", read_dsn) as found:
        yield found


def press(dashboard: Dashboard, source: str, target: str, **fields: str) -> Answer:
    """Send a form of the page ``source`` to ``target``; the page that it leads to."""
    answer = dashboard.ask(source)
    assert answer.status == 200, answer.text
    hidden = {i["name"]: i.get("value", "") for i in answer.page.all("input") if i.get("type") == "hidden"}
    cookie = "; ".join(f"{name}={value}" for name, value in answer.cookies.items())
    sent = dashboard.ask(target, form={**hidden, **fields}, headers={"Cookie": cookie})
    assert sent.status == 303, sent.text
    return dashboard.ask(sent.headers["location"])


def findings(found: list[Finding]) -> dict[str, Finding]:
    return {item.code: item for item in found}


def test_pages_are_read_from_the_replica_only(
    lab: Lab, primary: OwnServer, standby: Standby, dashboard: Dashboard
) -> None:
    run_id = lab.start("chain", 1)
    with lab.worker("chain"):
        lab.completed(run_id)
    standby.until_current()
    dashboard.page("/runs")
    before, read_before = len(said_by(primary, ACTS)), len(said_by(standby, READS))
    paths = ["/runs", f"/runs?id={run_id}", "/errors", "/flows", "/flows/chain", "/flows/chain/start"]
    paths += ["/waiting", "/schedules", "/workers", "/queues", f"/runs/{run_id}", f"/runs/{run_id}/live"]
    paths += [f"/runs/{run_id}/steps/first", f"/runs/{run_id}/steps/first/0", f"/runs/{run_id}/fork"]
    for path in paths:
        answer = dashboard.ask(path)
        assert answer.status in (200, 303), (path, answer.text)
    assert len(said_by(primary, ACTS)) == before
    assert len(said_by(standby, READS)) >= read_before + len(paths)
    assert "read from the replica" in dashboard.page("/runs").words


def test_what_people_do_goes_to_the_primary_and_is_seen_at_once(
    lab: Lab, primary: OwnServer, standby: Standby, dashboard: Dashboard
) -> None:
    begun = press(dashboard, "/flows/chain/start", "/flows/chain/start", input="7")
    assert begun.status == 200
    (row,) = lab.sql("select run_id::text from pgflow.runs where status = 'started'")
    path = f"/runs/{row['run_id']}"
    assert "This run was cancelled" in press(dashboard, f"{path}/cancel", f"{path}/cancel", reason="x").text
    acts = ("pgflow.cancel_run", "pgflow.start_flow")
    assert all(any(act in said for said in said_by(primary, ACTS)) for act in acts)
    assert not any(act in said for said in said_by(standby, READS) for act in acts)


def test_a_run_is_followed_on_the_replica_where_nobody_can_listen(
    lab: Lab, standby: Standby, dashboard: Dashboard
) -> None:
    run_id = lab.start("chain", 1)
    standby.until_current()
    with lab.worker("chain"):
        answer = dashboard.ask(f"/runs/{run_id}/events")  # which ends with the run
    assert "event: end" in answer.text
    assert "The run completed." in answer.text
    assert not any("listen" in line.lower() for line in said_by(standby, READS))


def test_pages_say_how_far_the_replica_is_behind(lab: Lab, standby: Standby, dashboard: Dashboard) -> None:
    eventually(lambda: "which is up to date" in dashboard.page("/runs").words)
    with standby.paused():
        missing = press(dashboard, "/flows/chain/start", "/flows/chain/start", input="7")
        assert missing.status == 404  # it was waited for, and then said
        assert "This was read from a replica, which is" in missing.page.words
        eventually(lambda: "seconds behind" in dashboard.page("/runs").words)
    standby.until_current()
    (row,) = lab.sql("select run_id::text from pgflow.runs where status = 'started'")
    assert dashboard.ask(f"/runs/{row['run_id']}").status == 200
    lab.sql("select pgflow.cancel_runs(array[%s::uuid])", row["run_id"])


def test_a_reading_that_gives_way_to_the_replay_is_repeated(
    primary: OwnServer, standby: Standby, read_dsn: str
) -> None:
    slow = "select 1 as one from pgflow.flows, pg_sleep(1) limit 1"
    standby.execute("alter system set max_standby_streaming_delay = 0")
    standby.execute("select pg_reload_conf()")

    def lock() -> None:
        working = "select 1 from pg_stat_activity where query like '%pg_sleep(1) limit%' and state = 'active'"
        eventually(lambda: standby.execute(f"{working} and pid <> pg_backend_pid()"))
        with psycopg.connect(primary.dsn) as connection:
            connection.execute("lock table pgflow.flows in access exclusive mode")
            connection.execute("select pg_current_xact_id()")

    async def read() -> list[Any]:
        reader = Reader(read_dsn)
        await reader.open()
        try:
            rows, _ = await asyncio.gather(reader.rows(slow), asyncio.to_thread(lock))
            return rows
        finally:
            await reader.close()

    assert asyncio.run(read()) == [{"one": 1}]
    assert "canceling statement due to conflict with recovery" in standby.log
    standby.execute("alter system reset max_standby_streaming_delay")
    standby.execute("select pg_reload_conf()")


def test_the_doctor_reads_runs_on_the_replica(
    lab: Lab, primary: OwnServer, standby: Standby, read_dsn: str, tmp_path: Path
) -> None:
    standby.until_current()
    secret = tmp_path / "secret"
    secret.write_text(f"{read_dsn}\n")
    before, read_before = len(said_by(primary, ACTS)), len(said_by(standby, READS))
    done = lab.project.python(
        *("-m", "pgflow_gen", "doctor", "--json"),
        variables={"PGFLOW_DSN": lab.dsn, "PGFLOW_READ_DSN_FILE": str(secret)},
    )
    codes = {item["code"]: item for item in json.loads(done.stdout)["findings"]}
    assert codes["replica.lag"]["severity"] == "ok"
    assert codes["runs.open"]["severity"] == "ok"
    assert "server.read-only" not in codes
    of_the_primary = "\n".join(said_by(primary, ACTS)[before:])
    of_the_replica = "\n".join(said_by(standby, READS)[read_before:])
    for text in ("pg_catalog.pg_settings", "from pgflow.workers", "pg_stat_user_tables"):
        assert text in of_the_primary
        assert text not in of_the_replica
    for text in ("old_count", "from pgflow.timers", "pgflow.list_failed_undos"):
        assert text in of_the_replica
        assert text not in of_the_primary


def test_the_doctor_does_not_judge_by_a_clock_that_is_late(
    lab: Lab, standby: Standby, read_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replicas, "BEHIND", 0.2)
    project = find_project(lab.project.root)
    with standby.paused():
        lab.start("chain", 1)

        def late() -> dict[str, Finding] | None:
            found = findings(examine(lab.dsn, project, {}, ReadDsn(read_dsn, "--read-dsn")))
            return found if found["replica.lag"].severity is Severity.warning else None

        found = eventually(late)
    assert found is not None
    assert found["timers.late"].severity is Severity.unseen
    assert found["runs.overdue"].severity is Severity.unseen
    assert found["runs.open"].severity is Severity.ok


def test_runs_can_be_looked_at_while_the_primary_is_away(lab: Lab, read_dsn: str, tmp_path: Path) -> None:
    found = findings(
        examine(NOWHERE, find_project(lab.project.root), {}, ReadDsn(read_dsn, "PGFLOW_READ_DSN"))
    )
    assert found["server.reach"].severity is Severity.problem
    assert found["runs.open"].severity is Severity.ok
    with running(lab.project, NOWHERE, tmp_path, "--read-dsn", read_dsn) as page:
        assert page.page("/runs")
        assert "the primary cannot be reached" in page.log


def test_a_standby_alone_can_be_looked_at(lab: Lab, standby: Standby, read_dsn: str, tmp_path: Path) -> None:
    run_id = lab.start("chain", 1)
    standby.until_current()
    with running(lab.project, read_dsn, tmp_path) as page:
        assert page.ask(f"/runs/{run_id}").status == 200
        with lab.worker("chain"):
            assert "event: end" in page.ask(f"/runs/{run_id}/events").text


@pytest.mark.parametrize(
    ("dsn", "read", "words"),
    [
        ("primary", "elsewhere", "names another database than --dsn"),
        ("standby", "primary", "--dsn names a standby and --read-dsn its primary"),
        ("primary", "nowhere", "the replica that --read-dsn names: cannot reach"),
        ("primary", "missing", "the replica that --read-dsn names: the server"),
    ],
)
def test_what_is_no_replica_is_refused(
    lab: Lab, primary: OwnServer, standby: Standby, dsn: str, read: str, words: str
) -> None:
    places = {
        "primary": primary.dsn,
        "standby": standby.dsn,
        "elsewhere": make_conninfo(standby.dsn, dbname="template1"),
        "missing": make_conninfo(standby.dsn, dbname="missing"),
        "nowhere": NOWHERE,
    }
    project, replica = find_project(lab.project.root), ReadDsn(places[read], "--read-dsn")
    with pytest.raises(PgflowError) as refused:
        make_app(places[dsn], project, DashboardOptions(allow_start=True), replica)
    assert words in refused.value.message
    assert refused.value.help
    (told,) = (
        item for item in examine(places[dsn], project, {}, replica) if item.code.startswith("replica.")
    )
    assert told.severity is Severity.problem
    assert words in told.message


@pytest.mark.parametrize("command", [dashboard_command, doctor_command])
def test_a_replica_needs_a_primary(
    command: click.Command, read_dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in os.environ.keys() & {"DATABASE_URL", *LIBPQ_VARIABLES}:
        monkeypatch.delenv(name)
    (tmp_path / "pyproject.toml").write_text("[tool.pgflow-gen]\n")
    done = CliRunner().invoke(command, [], env={"PGFLOW_READ_DSN": read_dsn})
    assert done.exit_code == 2
    assert "PGFLOW_READ_DSN names a replica, and nothing names its primary" in done.output
    done = CliRunner().invoke(command, ["--read-dsn", "mysql://h/x"])
    assert done.exit_code == 2
    assert "--read-dsn is a mysql:// URL" in done.output


def test_the_same_server_twice_is_said(lab: Lab, primary: OwnServer, standby: Standby) -> None:
    project = find_project(lab.project.root)
    for dsn in (primary.dsn, standby.dsn):
        same = ReadDsn(dsn, "PGFLOW_READ_DSN")
        app, (said,) = make_app(dsn, project, DashboardOptions(), same)
        assert said == "PGFLOW_READ_DSN names the same server as --dsn: reading there takes no load off it"
        assert app.state.site.replica is None
        found = findings(examine(dsn, project, {}, same))
        assert (found["replica.place"].severity, found["replica.place"].message) == (Severity.note, said)
        assert "replica.lag" not in found
        assert "runs.open" in found


def test_what_is_named_is_read_even_on_the_same_server(lab: Lab, primary: OwnServer, tmp_path: Path) -> None:
    """Another user may have other limits."""
    before = len(said_by(primary, ACTS))
    other = make_conninfo(
        primary.dsn, application_name="other", options="-c default_transaction_read_only=on"
    )
    with running(lab.project, lab.dsn, tmp_path, "--allow-control", "--read-dsn", other) as page:
        started = len(said_by(primary, ACTS))
        assert started > before
        text = page.page("/runs").words
        assert "replica" not in text
        assert len(said_by(primary, ACTS)) == started
        assert any("pgflow.find_runs" in said for said in said_by(primary, "other"))


def test_a_lost_replica_is_told_and_found_again(standby: Standby, dashboard: Dashboard) -> None:
    standby.stop_at_once()
    answer = dashboard.ask("/runs")
    assert answer.status == 503
    assert "cannot reach" in answer.page.words
    assert "These pages are read from a replica" in answer.page.words
    standby.start()
    eventually(lambda: dashboard.ask("/runs").status == 200)


def test_a_promoted_standby_is_no_replica(lab: Lab, standby: Standby, dashboard: Dashboard) -> None:
    standby.execute("select pg_promote()")
    with pytest.raises(UsageError, match="is no standby"):
        check_before_reading(lab.dsn, ReadDsn(standby.dsn, "--read-dsn"), needs_primary=True)
    eventually(lambda: "is no standby any more" in dashboard.page("/runs").words)
