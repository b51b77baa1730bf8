"""Who may have a worker started from outside, and where the database is told to ask."""

from __future__ import annotations

import socket

import pytest

from pgflow_runtime.errors import UsageError
from pgflow_runtime.worker.monitoring.http import Reply
from pgflow_runtime.worker.monitoring.restart import (
    RestartRoute,
    allowed_hosts,
    is_restartable,
    path_of,
    secret_of,
    url_of,
)
from pgflow_runtime.worker_config import WorkerConfig


def status(authorization: str, *, secret: str = "s3cret", is_local: bool = False) -> int:
    return RestartRoute(secret, lambda: is_local, lambda: Reply(200, "started\n"))(authorization).status


@pytest.mark.parametrize("authorization", ["Bearer s3cret", "bearer s3cret", "Bearer  s3cret "])
def test_who_has_the_secret(authorization: str) -> None:
    assert status(authorization) == 200


@pytest.mark.parametrize(
    "authorization", ["", "s3cret", "Basic s3cret", "Bearer", "Bearer ", "Bearer s3cre", "Bearer s3crét"]
)
def test_who_has_not(authorization: str) -> None:
    assert status(authorization) == 401
    assert status(authorization, is_local=True) == 200


@pytest.mark.parametrize("authorization", ["", "Bearer ", "Bearer x"])
def test_without_a_secret_nobody_has_it(authorization: str) -> None:
    assert status(authorization, secret="") == 500
    assert status(authorization, secret="", is_local=True) == 200


def test_the_secret() -> None:
    both = {"PGFLOW_AUTH_SECRET": "a", "SUPABASE_SERVICE_ROLE_KEY": "b"}
    assert [secret_of(both), secret_of({**both, "PGFLOW_AUTH_SECRET": ""}), secret_of({})] == ["a", "b", ""]


def test_when_the_port_outlives_the_worker() -> None:
    here = WorkerConfig(health_port=8080)
    assert not is_restartable(here, {})
    assert is_restartable(here, {"PGFLOW_AUTH_SECRET": "a"})
    assert not is_restartable(WorkerConfig(), {"PGFLOW_AUTH_SECRET": "a"})
    assert is_restartable(WorkerConfig(health_port=8080, restart_url="http://w:8080"), {})


@pytest.mark.parametrize(
    ("options", "url"),
    [
        ({}, "http://127.0.0.1:8080/crew"),
        ({"health_host": "::1"}, "http://[::1]:8080/crew"),
        ({"health_host": "0.0.0.0"}, f"http://{socket.gethostname()}:8080/crew"),
        ({"restart_url": "https://w.example:9"}, "https://w.example:9/crew"),
        ({"restart_url": "https://w.example/"}, "https://w.example/crew"),
        ({"restart_url": "https://w.example/behind/a/proxy"}, "https://w.example/behind/a/proxy"),
        ({"name": "two words"}, "http://127.0.0.1:8080/two%20words"),
    ],
)
def test_where_the_database_asks(options: dict[str, str], url: str) -> None:
    config = WorkerConfig(**{"health_port": 1, "name": "crew", **options})  # type: ignore[arg-type]
    assert url_of(config, 8080) == url


def test_the_names_of_the_port() -> None:
    config = WorkerConfig(
        health_port=1, health_allowed_hosts="a, b", restart_url="http://w.example:9", name="n"
    )
    assert allowed_hosts(config) == ["a", "b", "w.example"]
    assert path_of(config) == "/n"


@pytest.mark.parametrize("options", [{"restart_url": "http://w"}, {"restart_url": "w", "health_port": 1}])
def test_odd_options(options: dict[str, object]) -> None:
    with pytest.raises(UsageError, match="restart_url"):
        WorkerConfig(**options)  # type: ignore[arg-type]
