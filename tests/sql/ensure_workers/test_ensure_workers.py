"""`ensure_workers` (specification/core.md, "Environment")."""

from __future__ import annotations

from uuid import uuid4

import pytest

from tests.support.core import Core, Row
from tests.support.shapes import LOCAL


@pytest.fixture(autouse=True)
def _production(core: Core) -> None:
    core.run_sql(
        "insert into vault.secrets values ('supabase_project_id', 'proj'), ('pgflow_auth_secret', 'key')"
    )


def function(core: Core, name: str, *, invoked: str = "null", enabled: bool = True) -> None:
    core.run_sql(
        f"""insert into pgflow.worker_functions (function_name, enabled, debounce, last_invoked_at)
            values (%s, %s, '10 seconds', {invoked})""",
        name,
        enabled,
    )


def worker(core: Core, name: str, heartbeat: str, *, ended: str | None = None) -> None:
    core.run_sql(
        f"""insert into pgflow.workers (worker_id, queue_name, function_name, started_at, last_heartbeat_at)
            values (%s, 'q', %s, now() - interval '1 day', {heartbeat})""",
        uuid4(),
        name,
    )
    if ended:
        core.run_sql(f"update pgflow.workers set {ended} = now() where function_name = %s", name)


def ensure(core: Core) -> list[Row]:
    return core.rows("select * from pgflow.ensure_workers() order by function_name")


def local(core: Core) -> None:
    core.run_sql("select set_config('app.settings.jwt_secret', %s, true)", LOCAL)


def test_in_production(core: Core) -> None:
    function(core, "fn")
    (row,) = ensure(core)
    (request,) = core.rows("select * from net.requests")
    assert (row.function_name, row.invoked, row.request_id) == ("fn", True, request.id)
    assert request.url == "https://proj.supabase.co/functions/v1/fn"
    assert request.body == {}
    assert request.headers == {"Content-Type": "application/json", "Authorization": "Bearer key"}
    assert core.value("select last_invoked_at from pgflow.worker_functions") > core.now()


def test_locally(core: Core) -> None:
    local(core)
    core.run_sql("delete from vault.secrets")
    function(core, "fn", invoked="now()")
    worker(core, "fn", "now()")
    (row,) = ensure(core)
    (request,) = core.rows("select * from net.requests")
    assert row.request_id == request.id
    assert request.url == "http://kong:8000/functions/v1/fn"
    assert request.headers == {}


@pytest.mark.parametrize("is_local", [True, False])
def test_disabled_functions(core: Core, is_local: bool) -> None:
    if is_local:
        local(core)
    function(core, "fn", enabled=False)
    assert ensure(core) == []


@pytest.mark.parametrize(
    ("invoked", "expected"),
    [("null", 1), ("now()", 0), ("now() - interval '9 seconds'", 0), ("now() - interval '11 seconds'", 1)],
)
def test_debounce(core: Core, invoked: str, expected: int) -> None:
    function(core, "fn", invoked=invoked)
    assert len(ensure(core)) == expected


@pytest.mark.parametrize(
    ("heartbeat", "ended", "expected"),
    [
        ("now()", None, 0),
        ("now() - interval '9 seconds'", None, 0),
        ("now() - interval '11 seconds'", None, 1),
        ("now()", "stopped_at", 1),
        ("now()", "deprecated_at", 1),
    ],
)
def test_living_workers(core: Core, heartbeat: str, ended: str | None, expected: int) -> None:
    function(core, "fn")
    worker(core, "fn", heartbeat, ended=ended)
    assert len(ensure(core)) == expected


def test_one_living_worker_among_dead_ones(core: Core) -> None:
    function(core, "fn")
    worker(core, "fn", "now() - interval '1 hour'")
    worker(core, "fn", "now()")
    assert ensure(core) == []


def test_workers_of_other_functions_do_not_count(core: Core) -> None:
    function(core, "fn")
    worker(core, "other", "now()")
    assert len(ensure(core)) == 1


def test_several(core: Core) -> None:
    function(core, "a")
    function(core, "b", invoked="now()")
    function(core, "c")
    assert [row.function_name for row in ensure(core)] == ["a", "c"]
    untouched = core.value("select last_invoked_at from pgflow.worker_functions where function_name = 'b'")
    assert untouched == core.now()


@pytest.mark.parametrize(
    "change",
    [
        "delete from vault.secrets where name = 'supabase_project_id'",
        "delete from vault.secrets where name = 'pgflow_auth_secret'",
        "update vault.secrets set decrypted_secret = '' where name = 'supabase_project_id'",
        "update vault.secrets set decrypted_secret = '' where name = 'pgflow_auth_secret'",
    ],
)
def test_missing_secrets(core: Core, change: str) -> None:
    core.run_sql(change)
    function(core, "fn")
    assert ensure(core) == []
    assert core.rows("select * from net.requests") == []
    assert core.value("select last_invoked_at from pgflow.worker_functions") is None


@pytest.mark.parametrize("other", ["", None])
def test_the_second_key(core: Core, other: str | None) -> None:
    core.run_sql("update vault.secrets set decrypted_secret = %s where name = 'pgflow_auth_secret'", other)
    core.run_sql("insert into vault.secrets values ('supabase_service_role_key', 'role')")
    function(core, "fn")
    ensure(core)
    assert core.value("select headers ->> 'Authorization' from net.requests") == "Bearer role"


def track(core: Core, name: str, url: str, *, trusted: bool = True) -> None:
    core.run_sql("select pgflow.track_worker(%s, %s)", name, url)
    core.run_sql(
        "update pgflow.worker_functions set gets_service_key = %s where function_name = %s", trusted, name
    )


def test_workers_elsewhere_are_asked_at_their_own_address(core: Core) -> None:
    track(core, "a", "http://10.0.0.7:8080/a")
    function(core, "b")
    assert [row.function_name for row in ensure(core)] == ["a", "b"]
    requests = core.rows("select url, headers ->> 'Authorization' as key from net.requests order by id")
    assert [(row.url, row.key) for row in requests] == [
        ("http://10.0.0.7:8080/a", "Bearer key"),
        ("https://proj.supabase.co/functions/v1/b", "Bearer key"),
    ]


def test_workers_elsewhere_need_no_project_id(core: Core) -> None:
    core.run_sql("delete from vault.secrets where name = 'supabase_project_id'")
    track(core, "a", "http://10.0.0.7:8080/a")
    function(core, "b")
    assert [row.function_name for row in ensure(core)] == ["a"]
    assert core.rows("select * from pgflow.worker_functions where last_invoked_at is not null") != []


def test_workers_elsewhere_locally(core: Core) -> None:
    local(core)
    track(core, "a", "http://10.0.0.7:8080/a")
    ensure(core)
    (request,) = core.rows("select * from net.requests")
    assert (request.url, request.headers) == ("http://10.0.0.7:8080/a", {})


def test_the_service_key_goes_to_addresses_of_the_owner_only(core: Core) -> None:
    """Who may only work could otherwise have it sent to an address of their own."""
    core.run_sql("delete from vault.secrets where name = 'pgflow_auth_secret'")
    core.run_sql("insert into vault.secrets values ('supabase_service_role_key', 'role')")
    track(core, "a", "http://10.0.0.7:8080/a")
    track(core, "b", "http://10.6.6.6/b", trusted=False)
    assert [row.function_name for row in ensure(core)] == ["a"]
    assert core.value("select headers ->> 'Authorization' from net.requests") == "Bearer role"
