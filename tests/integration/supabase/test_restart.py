"""Workers that are asked to start from outside: by their health port, and by ensure_workers through it."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import psutil  # type: ignore[import-untyped]
import pytest

from tests.support.pg_net import post, post_requests
from tests.support.shapes import LOCAL
from tests.support.wait import eventually
from tests.support.worker_lab import Lab, WorkerProcess

SECRET = "a-secret-of-both"
BEARER = {"Authorization": f"Bearer {SECRET}"}


@contextmanager
def crew(lab: Lab, *flows: str, env: dict[str, str] | None = None, **options: str) -> Iterator[WorkerProcess]:
    variables = {"PGFLOW_AUTH_SECRET": SECRET} if env is None else env
    options = {"health_port": "0", "name": "crew"} | options
    worker = WorkerProcess.launch(lab, flows or ["relay"], options, environment=variables)
    try:
        yield worker.until_serving()
    finally:
        worker.clear_away()


def url_of(worker: WorkerProcess) -> str:
    found = re.search(r"health and metrics on (http://\S+)", worker.log)
    assert found is not None, worker.log
    return found[1]


def get(url: str) -> int:
    import urllib.error
    import urllib.request

    try:
        with urllib.request.urlopen(url, timeout=10) as reply:
            return int(reply.status)
    except urllib.error.HTTPError as refusal:
        with refusal:
            return refusal.code


def processes(worker: WorkerProcess) -> list[psutil.Process]:
    return [
        child
        for child in psutil.Process(worker.process.pid).children()
        if any("start_child" in word for word in child.cmdline())
    ]


def test_a_secret_is_asked_for(supa: Lab) -> None:
    with crew(supa) as worker:
        url = f"{url_of(worker)}/crew"
        assert [post(url, headers).status for headers in ({}, {"Authorization": "Bearer other"})] == [
            401,
            401,
        ]
        assert (post(url, BEARER).status, post(url, BEARER).text) == (200, "running\n")
        assert post(f"{url}2", BEARER).status == 405
        assert SECRET not in worker.log
        assert worker.stop() == 0


def test_the_service_key_serves_as_one(supa: Lab) -> None:
    key = "the-service-role-key"
    with crew(supa, env={"SUPABASE_SERVICE_ROLE_KEY": key}) as worker:
        reply = post(f"{url_of(worker)}/crew", {"Authorization": f"Bearer {key}"})
        assert (reply.status, reply.text) == (200, "running\n")
        assert worker.stop() == 0


def test_without_a_secret_it_says_what_is_missing(supa: Lab) -> None:
    with crew(supa, env={}) as worker:
        reply = post(f"{url_of(worker)}/crew", BEARER)
        assert (reply.status, reply.text.split(":")[0]) == (500, "not configured")
        assert worker.stop() == 0


@pytest.mark.parametrize("env", [{}, {"PGFLOW_AUTH_SECRET": SECRET}], ids=["none", "secret"])
def test_a_local_supabase_needs_no_secret(supa: Lab, env: dict[str, str]) -> None:
    (row,) = supa.sql("select current_database() as name")
    supa.sql(f"""alter database "{row["name"]}" set app.settings.jwt_secret = '{LOCAL}'""")
    with crew(supa, env=env) as worker:
        assert post(f"{url_of(worker)}/crew").text == "running\n"
        assert worker.stop() == 0


def test_health_is_served_through_the_same_port(supa: Lab) -> None:
    with crew(supa) as worker:
        url = url_of(worker)
        assert [get(f"{url}/{path}") for path in ("healthz", "livez", "metrics", "other")] == [
            200, 200, 200, 404,
        ]  # fmt: skip
        assert supa.completed(supa.start("relay", 4)) == {"report": {"twice": 8}}
        assert worker.stop() == 0


def test_where_it_is_asked_stands_in_the_database_and_its_end_too(supa: Lab) -> None:
    with crew(supa, restart_url="http://worker.internal:8080") as worker:
        (row,) = supa.sql("select function_name, url from pgflow.worker_functions")
        assert row == {"function_name": "crew", "url": "http://worker.internal:8080/crew"}
        assert worker.stop() == 0
    (row,) = supa.sql("select stopped_at from pgflow.workers where function_name = 'crew'")
    assert row["stopped_at"] is not None


def test_while_it_stops_nothing_is_started(supa: Lab) -> None:
    with crew(supa, "slow") as worker:
        supa.start("slow", str(supa.folder))
        supa.begun("begun")
        url = f"{url_of(worker)}/crew"
        worker.signal(signal.SIGTERM)
        worker.until_logged("stopping")
        eventually(lambda: (post(url, BEARER).status, post(url, BEARER).text) == (503, "stopping\n"))
        supa.let_go("go")
        assert worker.exit_code() == 0
    assert len(supa.sql("select worker_id from pgflow.workers")) == 1


def test_several_processes_have_one_port_for_it(supa: Lab) -> None:
    with crew(supa, processes="2") as worker:
        url = url_of(worker)
        eventually(lambda: len(supa.sql("select 1 from pgflow.workers")) == 2)
        eventually(lambda: get(f"{url}/healthz") == 200)
        assert post(f"{url}/crew", BEARER).text == "running\n"
        processes(worker)[0].kill()
        eventually(lambda: len(supa.sql("select 1 from pgflow.workers")) == 3)
        assert worker.stop() == 0


def test_ensure_workers_brings_a_killed_worker_back(supa: Lab) -> None:
    """Killed again and again: its supervisor pauses longer each time, and the database is sooner."""
    supa.sql("insert into vault.secrets values ('pgflow_auth_secret', %s)", SECRET)
    with crew(supa) as worker:
        assert supa.sql("select * from pgflow.ensure_workers()") == [], "it lives"
        url = f"{url_of(worker)}/crew"

        def answer() -> str:
            supa.sql(
                "update pgflow.workers set last_heartbeat_at = now() - interval '1 minute',"
                " stopped_at = coalesce(stopped_at, now())"
            )
            supa.sql("update pgflow.worker_functions set last_invoked_at = null")
            supa.sql("select * from pgflow.ensure_workers()")
            (posted,) = post_requests(supa.dsn)
            assert (posted.url, posted.status) == (url, 200)
            return posted.text

        answers: list[str] = []
        while "started\n" not in answers:
            assert len(answers) < 12, answers
            for process in processes(worker):
                process.kill()
                process.wait(10)
            answers.append(answer())
            eventually(lambda: get(url.replace("/crew", "/healthz")) == 200)
        assert "started on request" in worker.log
        assert supa.completed(supa.start("relay", 3)) == {"report": {"twice": 6}}
        assert worker.stop() == 0


def test_a_worker_that_cannot_start_any_more_waits_to_be_asked(
    supa: Lab, request: pytest.FixtureRequest
) -> None:
    module = supa.project.root / "flows" / "supa.py"
    source = module.read_text()
    request.addfinalizer(lambda: module.write_text(source))
    with crew(supa) as worker:
        url = url_of(worker)
        module.write_text("raise RuntimeError('half a deployment')\n")
        for process in processes(worker):
            process.kill()
        worker.until_logged("waiting to be asked")
        assert (get(f"{url}/healthz"), get(f"{url}/livez")) == (503, 200)
        module.write_text(source)
        assert post(f"{url}/crew", BEARER).text == "started\n"
        eventually(lambda: get(f"{url}/healthz") == 200)
        assert supa.completed(supa.start("relay", 3)) == {"report": {"twice": 6}}
        assert worker.stop() == 0
