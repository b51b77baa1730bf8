"""Who may look, who may start runs, and that nobody else's page can make a browser do either."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator

import psycopg
import pytest

from tests.support.dashboard import Dashboard, running
from tests.support.project import Project, clean_environment
from tests.support.worker_lab import Lab

TOKEN = "a token that nobody guesses"
OPEN_PATHS = ["/login", "/static/style.css", "/static/page.js"]
CLOSED_PATHS = [
    "/", "/runs", "/runs/{run}", "/runs/{run}/live", "/runs/{run}/events", "/runs/{run}/values/input.json",
    "/runs/{run}/steps/first", "/runs/{run}/steps/first/0", "/flows", "/flows/chain", "/flows/chain/start",
    "/workers", "/queues", "/nothing", "/static/../runs",
]  # fmt: skip


@pytest.fixture(scope="module")
def guarded(shared_lab: Lab) -> Iterator[Dashboard]:
    env = {"PGFLOW_DASHBOARD_TOKEN": TOKEN}
    with running(shared_lab.project, shared_lab.dsn, shared_lab.folder, "--allow-start", env=env) as found:
        yield found


def signed_in(dashboard: Dashboard) -> dict[str, str]:
    answer = dashboard.ask("/login", form={"token": TOKEN})
    assert (answer.status, answer.headers["location"]) == (303, "/runs")
    return {"Cookie": "; ".join(f"{name}={value}" for name, value in answer.cookies.items())}


# --- headers and names --------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/runs", "/nothing", "/static/style.css", "/flows/chain/start"])
def test_headers(shared_dashboard: Dashboard, path: str) -> None:
    headers = shared_dashboard.ask(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert "server" not in headers


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200), ("localhost:8642", 200), ("LOCALHOST:1", 200), ("127.0.0.1:80", 200),
        ("[::1]:8642", 200), ("192.168.1.7", 200), ("evil.example", 421), ("localhost.evil.example", 421),
        ("evil.example:8642", 421), ("", 421), ("127.0.0.1.evil.example", 421),
        ("localhost@evil.example", 421),
    ],
)  # fmt: skip
def test_only_known_names_are_answered_to(shared_dashboard: Dashboard, host: str, status: int) -> None:
    assert shared_dashboard.ask("/runs", headers={"Host": host}).status == status


def test_allowed_hosts(lab: Lab) -> None:
    with running(lab.project, lab.dsn, lab.folder, "--allowed-host", "pgflow.internal") as dashboard:
        assert dashboard.ask("/runs", headers={"Host": "pgflow.internal:8642"}).status == 200
        assert dashboard.ask("/runs", headers={"Host": "other.internal"}).status == 421


# --- the token ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [["--host", "0.0.0.0"], ["--host", "::"], ["--token", "short"]])
def test_refused_at_the_start(shared_lab: Lab, options: list[str]) -> None:
    done = shared_lab.project.run("dashboard", "--dsn", shared_lab.dsn, "--port", "0", *options)
    assert done.returncode == 2
    assert "help:" in done.stderr


def test_elsewhere_with_a_token(lab: Lab) -> None:
    with running(lab.project, lab.dsn, lab.folder, "--host", "0.0.0.0", "--token", TOKEN) as dashboard:
        assert dashboard.ask("/runs").status == 303


def test_nothing_without_the_token(shared_lab: Lab, guarded: Dashboard) -> None:
    run_id = shared_lab.start("chain", 1)
    for path in CLOSED_PATHS:
        answer = guarded.ask(path.format(run=run_id))
        assert (answer.status, answer.headers.get("location")) == (303, "/login"), path
        answer = guarded.ask(path.format(run=run_id), headers={"Accept": "text/event-stream"})
        assert answer.status == 401, path
        assert run_id not in answer.text
    for path in OPEN_PATHS:
        answer = guarded.ask(path)
        assert answer.status == 200
        assert "pgflow_test_" not in answer.text, "the database's name is nobody's business"
    assert "pgflow_test_" in guarded.ask("/runs", headers=signed_in(guarded)).text
    before = count(shared_lab)
    assert guarded.ask("/flows/chain/start", form={"input": "1"}).status == 401
    assert count(shared_lab) == before


def test_signing_in_and_out(guarded: Dashboard) -> None:
    answer = guarded.ask("/login", form={"token": TOKEN})
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert TOKEN not in answer.headers["set-cookie"]
    session = signed_in(guarded)
    assert guarded.ask("/runs", headers=session).status == 200
    assert guarded.ask("/login", headers=session).status == 303
    out = guarded.ask("/logout", form={}, headers=session)
    assert (out.status, out.headers["location"]) == (303, "/login")
    assert "max-age=0" in out.headers["set-cookie"].lower()


@pytest.mark.parametrize("token", ["", "wrong", TOKEN + "x", TOKEN[:-1], "ü\ud800", "x" * 9000])
def test_wrong_tokens(guarded: Dashboard, token: str) -> None:
    answer = guarded.ask("/login", form={"token": token})
    assert answer.status in (400, 403)
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    "cookie", ["pgflow_dashboard=9999999999.", "pgflow_dashboard=9999999999.abc", "pgflow_dashboard=x", "a=b"]
)
def test_forged_cookies(guarded: Dashboard, cookie: str) -> None:
    assert guarded.ask("/runs", headers={"Cookie": cookie}).status == 303


def test_a_cookie_that_ran_out_or_was_changed(guarded: Dashboard) -> None:
    value = signed_in(guarded)["Cookie"].partition("=")[2]
    until, _, signature = value.partition(".")
    changed = f"pgflow_dashboard={int(until) + 1}.{signature}"
    assert guarded.ask("/runs", headers={"Cookie": changed}).status == 303


def test_a_bearer_token(guarded: Dashboard) -> None:
    assert guarded.ask("/runs", headers={"Authorization": f"Bearer {TOKEN}"}).status == 200
    assert guarded.ask("/runs", headers={"Authorization": "Bearer wrong"}).status == 303
    assert guarded.ask("/runs", headers={"Authorization": f"Basic {TOKEN}"}).status == 303


# --- starting runs ------------------------------------------------------------------------------------


def form_of(dashboard: Dashboard, flow: str) -> tuple[str, dict[str, str]]:
    """The form's key, and the headers that go with it."""
    answer = dashboard.ask(f"/flows/{flow}/start")
    (key,) = [field["value"] for field in answer.page.all("input") if field.get("name") == "key"]
    return key, {"Cookie": f"pgflow_forms={answer.cookies['pgflow_forms']}"}


def count(lab: Lab) -> int:
    return int(lab.sql("select count(*) as n from pgflow.runs")[0]["n"])


def test_a_run_is_started(shared_lab: Lab, shared_dashboard: Dashboard) -> None:
    key, headers = form_of(shared_dashboard, "held")
    value = {"folder": "/tmp", "name": "né"}
    form = {"key": key, "input": json.dumps(value)}
    answer = shared_dashboard.ask("/flows/held/start", form=form, headers=headers)
    assert answer.status == 303
    run_id = answer.headers["location"].removeprefix("/runs/")
    assert shared_lab.run(run_id)["input"] == value
    assert shared_dashboard.page(f"/runs/{run_id}")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "not JSON"), ("", "not JSON"), ("NaN", "no number of JSON"),
        ("[" * 100_000, "cannot be read"),
        ('{"folder": 1, "name": "x"}', "input.folder"), ('{"folder": "x"}', "name"),
        ('{"folder": "x", "name": "y", "more": 1}', "more"), ('{"folder": "\\u0000", "name": "x"}', "input"),
    ],
)  # fmt: skip
def test_input_that_does_not_fit(shared_lab: Lab, shared_dashboard: Dashboard, text: str, said: str) -> None:
    before = count(shared_lab)
    key, headers = form_of(shared_dashboard, "held")
    answer = shared_dashboard.ask("/flows/held/start", form={"key": key, "input": text}, headers=headers)
    assert answer.status == 422
    page = answer.page
    assert said in page.words
    assert count(shared_lab) == before
    assert page.inner["textarea"] == [text], "what was written must not be lost"


def test_orders_from_elsewhere(shared_lab: Lab, shared_dashboard: Dashboard) -> None:
    before = count(shared_lab)
    key, headers = form_of(shared_dashboard, "chain")
    other_key, _ = form_of(shared_dashboard, "chain")
    form = {"key": key, "input": "1"}
    path = "/flows/chain/start"
    own = f"http://localhost:{shared_dashboard.port}"
    assert shared_dashboard.ask(path, form=form).status == 403, "no cookie"
    assert shared_dashboard.ask(path, form={"input": "1"}, headers=headers).status == 403, "no key"
    assert shared_dashboard.ask(path, form={**form, "key": other_key}, headers=headers).status == 403
    assert shared_dashboard.ask(path, form={**form, "key": "\ud800"}, headers=headers).status in (400, 403)
    for name, value in [
        ("Origin", "http://evil.example"), ("Origin", "null"), ("Origin", "http://localhost:1"),
        ("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Site", "same-site"),
    ]:  # fmt: skip
        assert shared_dashboard.ask(path, form=form, headers={**headers, name: value}).status == 403, value
    assert count(shared_lab) == before
    sent = {**headers, "Origin": own, "Sec-Fetch-Site": "same-origin"}
    assert shared_dashboard.ask(path, form=form, headers=sent).status == 303
    assert count(shared_lab) == before + 1


def test_only_looking(lab: Lab) -> None:
    with running(lab.project, lab.dsn, lab.folder) as dashboard:
        assert "/flows/chain/start" not in dashboard.page("/flows/chain").links()
        assert dashboard.ask("/flows/chain/start").status == 404
        assert dashboard.ask("/flows/chain/start", form={"input": "1"}).status == 404
        for path in ("/runs", "/flows", "/workers", "/queues", f"/runs/{lab.start('chain', 1)}"):
            assert dashboard.ask(path, form={"input": "1"}).status == 405
            assert dashboard.ask(path, method="DELETE").status == 405
    assert count(lab) == 1


def test_a_form_that_is_too_large(shared_dashboard: Dashboard) -> None:
    key, headers = form_of(shared_dashboard, "chain")
    connection = socket.create_connection(("127.0.0.1", shared_dashboard.port), timeout=30)
    with connection:
        connection.sendall(
            f"POST /flows/chain/start HTTP/1.1\r\nHost: localhost\r\nContent-Length: 90000000\r\n"
            f"Cookie: {headers['Cookie']}\r\n\r\nkey={key}&input=".encode()
        )
        piece = b"1" * 1_000_000
        try:
            for _ in range(89):
                connection.sendall(piece)
        except OSError:
            return  # it has answered and closed
        assert b" 413 " in connection.recv(1000)


# --- rights in the database ---------------------------------------------------------------------------


def test_it_reads_as_the_clients_role(lab: Lab, own_roles: None, shown_project: Project) -> None:
    shown_project.ok("migrate", "--roles", "--dsn", lab.dsn)
    run_id = lab.start("chain", 1)
    with running(lab.project, lab.dsn, lab.folder, "--allow-start") as dashboard:
        for path in ("/runs", f"/runs/{run_id}", f"/runs/{run_id}/steps/first", "/flows", "/flows/chain",
                     "/workers", "/queues", f"/runs/{run_id}/steps/first/0"):  # fmt: skip
            dashboard.page(path)
        key, headers = form_of(dashboard, "chain")
        form = {"key": key, "input": "1"}
        assert dashboard.ask("/flows/chain/start", form=form, headers=headers).status == 303
        lab.sql("revoke execute on function pgflow.list_workers from pgflow_client")
        answer = dashboard.ask("/workers")
        assert (answer.status, "permission denied" in answer.page.words) == (503, True)


def test_reading_cannot_write_and_takes_no_longer_than_it_may(lab: Lab, dashboard: Dashboard) -> None:
    dashboard.page("/runs")
    with psycopg.connect(lab.dsn) as blocker:
        blocker.execute("lock table pgflow.workers")
        answer = dashboard.ask("/workers")
    assert answer.status == 503
    assert "took too long" in answer.page.words


# --- the command --------------------------------------------------------------------------------------


def test_without_the_extra(shared_lab: Lab) -> None:
    program = (
        "import sys; sys.modules['uvicorn'] = None; from pgflow_gen.cli import main; main(['dashboard'])"
    )
    done = shared_lab.project.python("-c", program)
    assert done.returncode == 2
    assert "pip install 'pgflow-gen[dashboard]'" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_port_that_is_taken(shared_lab: Lab) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = shared_lab.project.run("dashboard", "--dsn", shared_lab.dsn, "--port", port)
    assert done.returncode == 2
    assert "--port" in done.stderr


def test_a_database_without_the_core(bare_database_dsn: str, shared_lab: Lab) -> None:
    done = shared_lab.project.run("dashboard", "--dsn", bare_database_dsn, "--port", "0")
    assert done.returncode == 1
    assert "migrate" in done.stderr


def test_the_environment_names_the_token(shared_lab: Lab) -> None:
    assert "PGFLOW_DASHBOARD_TOKEN" not in clean_environment()
    done = shared_lab.project.run("dashboard", "--help")
    assert "PGFLOW_DASHBOARD_TOKEN" in done.stdout
