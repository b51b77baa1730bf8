"""The projects in examples/, each copied to an empty folder and used as its README says."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import httpx
import psycopg
import pytest

from tests.support.background import background
from tests.support.project import REPOSITORY, Project, clean_environment
from tests.support.wait import eventually

EXAMPLES = REPOSITORY / "examples"


class Copy(Project):
    """A copy of an example whose commands find their database as a user's would, in PGFLOW_DSN."""

    def script(self, dsn: str, *arguments: str) -> str:
        done = self.python(*arguments, variables={"PGFLOW_DSN": dsn})
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


def copy(name: str, folder: Path, *left_out: str) -> Copy:
    ignore = shutil.ignore_patterns("__pycache__", ".pgflow", *left_out)
    shutil.copytree(EXAMPLES / name, folder, ignore=ignore, dirs_exist_ok=True)
    return Copy(folder)


def check_types(project: Copy, *paths: str) -> None:
    cache = project.root / ".pgflow" / "mypy"
    done = project.python("-m", "mypy", "--strict", "--cache-dir", str(cache), *paths)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("name", ["script", "fastapi_service"])
def test_what_was_generated_is_what_is_committed(name: str, tmp_path: Path) -> None:
    copy(name, tmp_path).ok("build", "--check", "--no-verify")


def test_script(tmp_path: Path, bare_database_dsn: str) -> None:
    project = copy("script", tmp_path)
    project.ok("migrate", "--dsn", bare_database_dsn)
    check_types(project, "report.py")
    with project.worker("flows.sales:sales", "--dsn", bare_database_dsn):
        printed = project.script(bare_database_dsn, "report.py")
        again = project.script(bare_database_dsn, "report.py")
    assert printed == again == "2026-11-22: 65.40 in all, most of it in the south\n"
    with psycopg.connect(bare_database_dsn) as connection:
        assert connection.execute("select count(*) from pgflow.runs").fetchone() == (1,)


def test_fastapi_service(tmp_path: Path, bare_database_dsn: str) -> None:
    project = copy("fastapi_service", tmp_path)
    project.ok("migrate", "--dsn", bare_database_dsn)
    check_types(project, "service.py")
    command = [sys.executable, "-m", "uvicorn", "service:app", "--port", "0"]
    with (
        project.worker("flows.thumbnails:thumbnails", "--dsn", bare_database_dsn),
        background(
            command,
            cwd=tmp_path,
            environment=clean_environment() | {"PGFLOW_DSN": bare_database_dsn},
            log=tmp_path / ".pgflow" / "service.log",
            ready=r"running on (http://127\.0\.0\.1:\d+)",
        ) as ready,
        httpx.Client(base_url=ready[1], trust_env=False, timeout=60) as http,
    ):
        started = http.post("/albums", json={"title": "May", "pictures": ["b.png", "a.jpg"]})
        assert started.status_code == 202
        status = started.json()["status"]
        lines = [json.loads(line[6:]) for line in http.get(f"{status}/events").iter_lines() if line]
        assert lines[0]["event"] == "run:started"
        assert lines[-1]["event"] == "run:completed"
        shown = http.get(status).json()
        assert shown["status"] == "completed"
        assert [made["picture"] for made in shown["output"]["index"]["thumbnails"]] == ["a.jpg", "b.png"]
        failing = http.post("/albums", json={"title": "June", "pictures": ["c.txt"]}).json()["status"]
        http.get(f"{failing}/events").read()
        assert "c.txt is not a picture" in http.get(failing).json()["error"]
        assert http.get("/albums/00000000-0000-7000-8000-000000000000").status_code == 404


def test_django_project(tmp_path: Path, bare_database_dsn: str) -> None:
    made = ("generated", "*_pgflow_*.py", "*_fulfil.py")  # where somebody tried the example in place
    project = copy("django_project", tmp_path, *made)
    project.ok("install", "--style", "django", "--dir", "shop/migrations", "--with-pgmq", "--yes")
    project.ok("build")
    check_types(project, "shop/flows")
    project.script(bare_database_dsn, "manage.py", "migrate")
    project.script(bare_database_dsn, "manage.py", "makemigrations", "--check")
    place = (
        "import json\n"
        "from django.test import Client\n"
        "body = json.dumps({'sku': 'tea', 'quantity': 9})\n"
        "answer = Client().post('/orders', body, content_type='application/json')\n"
        "assert answer.status_code == 202, answer.content\n"
    )
    with project.worker("shop.flows.fulfil:fulfil", "--dsn", bare_database_dsn):
        project.script(bare_database_dsn, "manage.py", "shell", "--command", place)
        with psycopg.connect(bare_database_dsn, autocommit=True) as connection:
            eventually(
                lambda: (
                    connection.execute("select from shop_order where status = 'reserved'").fetchone()
                    is not None
                )
            )
