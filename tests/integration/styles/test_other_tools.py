"""Alembic and Django apply core and flows with their own commands, to a real database."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from tests.support.project import Project

FLOW = '''\
"""A flow whose options hold what a driver might take for a parameter."""
from typing import NotRequired, TypedDict

from pgflow_runtime import Flow


class Order(TypedDict):
    sku: NotRequired[str]


order = Flow[Order]("order", max_attempts=3)


@order.step(if_={"sku": "50% :off \\\\ \\"\\"\\" 'x'"}, timeout=30)
def price(flow_input: Order) -> int:
    return 1


@order.step
def invoice(flow_input: Order, price: int = 0) -> str:
    return str(price)
'''
PATTERN = {"sku": '50% :off \\ """ \'x\''}
SECOND = """\
from pgflow_runtime import Flow

tick = Flow[None]("tick")


@tick.step
def tock() -> int:
    return 1
"""

ALEMBIC = {
    "alembic.ini": "[alembic]\nscript_location = db\n",
    "db/script.py.mako": """\
revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}


def upgrade():
    pass


def downgrade():
    pass
""",
    "db/env.py": """\
from pathlib import Path

import psycopg
from alembic import context
from sqlalchemy import create_engine

if context.is_offline_mode():
    context.configure(dialect_name="postgresql", literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()
else:
    dsn = Path("dsn.txt").read_text()
    engine = create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(dsn))
    with engine.connect() as connection:
        context.configure(connection=connection)
        with context.begin_transaction():
            context.run_migrations()
""",
}


def definition(dsn: str, flow: str) -> dict[str, Any] | None:
    with psycopg.connect(dsn) as connection:
        row = connection.execute("select pgflow.get_flow_definition(%s)", [flow]).fetchone()
    assert row is not None
    found: dict[str, Any] | None = row[0]
    return found


def order_of(dsn: str) -> dict[str, Any]:
    found = definition(dsn, "order")
    assert found is not None
    return found


def change(project: Project) -> None:
    """Another timeout, and a second flow."""
    project.write("flows/order.py", FLOW.replace("timeout=30", "timeout=40"))
    project.write("flows/tick.py", SECOND)


def make(folder: Path, style: str, migrations: str, files: Mapping[str, str]) -> Project:
    config = f'style = "{style}"\nmigrations = "{migrations}"\n'
    project = Project.make(folder, {"flows/order.py": FLOW, **files}, config)
    project.ok("install", "--style", style, "--dir", migrations, "--with-pgmq", "-y")
    project.ok("build", "--no-verify")
    return project


def check_life(project: Project, dsn: str, upgrade: Callable[[], str]) -> None:
    """Create, release, change options and add a flow; each step applied by the tool alone."""
    upgrade()
    assert order_of(dsn)["settings"]["steps"]["price"]["if"] == PATTERN
    assert order_of(dsn)["settings"]["steps"]["price"]["timeout"] == 30
    project.ok("release", "--no-verify")
    change(project)
    project.ok("build", "--no-verify")
    project.ok("build", "--no-verify", "--check")
    upgrade()
    assert order_of(dsn)["settings"]["steps"]["price"] == {
        "if": PATTERN,
        "timeout": 40,
        "when_unmet": "skip",
        "when_exhausted": "fail",
    }
    assert definition(dsn, "tick") is not None
    refused = project.run("migrate", "--dsn", dsn)
    assert refused.returncode == 2
    project.ok("migrate", "--core-only", "--dsn", dsn)


@pytest.fixture
def alembic(tmp_path: Path, bare_database_dsn: str) -> Project:
    project = make(tmp_path, "alembic", "db/versions", ALEMBIC)
    project.write("dsn.txt", bare_database_dsn)
    return project


def run(project: Project, *arguments: str) -> str:
    done = project.python("-m", *arguments)
    assert done.returncode == 0, f"{arguments}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def test_alembic_applies_core_and_flows(alembic: Project, bare_database_dsn: str) -> None:
    check_life(alembic, bare_database_dsn, lambda: run(alembic, "alembic", "upgrade", "head"))


def test_alembic_prints_the_same_sql_offline(alembic: Project, bare_database_dsn: str) -> None:
    script = run(alembic, "alembic", "upgrade", "head", "--sql")
    with psycopg.connect(bare_database_dsn, autocommit=True) as connection:
        connection.execute(script.encode())
    assert order_of(bare_database_dsn)["settings"]["steps"]["price"]["if"] == PATTERN


def test_drafts_follow_the_users_own_revisions_and_two_heads_are_mended(
    alembic: Project, bare_database_dsn: str
) -> None:
    run(alembic, "alembic", "revision", "-m", "mine", "--rev-id", "abc123")
    change(alembic)
    alembic.ok("build", "--no-verify")
    tick = next((alembic.root / "db/versions").glob("*_tick.py"))
    assert "down_revision = 'abc123'" in tick.read_text() or 'down_revision = "abc123"' in tick.read_text()
    # What a merge of two branches leaves: another revision after the same one.
    run(alembic, "alembic", "revision", "-m", "theirs", "--rev-id", "def456", "--head", "abc123", "--splice")
    told = alembic.run("build", "--no-verify")
    assert told.returncode == 1
    assert "error[PGF402]: this migration and def456_theirs.py follow the same one" in told.stdout
    alembic.ok("build", "--no-verify", "--renumber")
    alembic.ok("build", "--no-verify", "--check")
    assert len(run(alembic, "alembic", "heads").splitlines()) == 1
    run(alembic, "alembic", "upgrade", "head")
    assert definition(bare_database_dsn, "tick") is not None


def test_django_applies_core_and_flows(tmp_path: Path, bare_database_dsn: str) -> None:
    known = conninfo_to_dict(bare_database_dsn)
    database = {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": known["dbname"],
        **{key.upper(): str(known[key]) for key in ("host", "port", "user", "password") if key in known},
    }
    settings = (
        f"DATABASES = {{'default': {database!r}}}\nINSTALLED_APPS = ['shop']\n"
        "DEFAULT_AUTO_FIELD = 'django.db.models.BigAutoField'\n"
    )
    apps = "from django.apps import AppConfig\n\n\nclass Shop(AppConfig):\n    name = 'shop'\n"
    apps += "    label = 'shopping'\n"
    files = {
        "settings.py": settings,
        "shop/__init__.py": "",
        "shop/apps.py": apps,
        "shop/models.py": "from django.db import models\n\n\nclass Thing(models.Model):\n    pass\n",
    }
    project = make(tmp_path, "django", "shop/migrations", files)

    def django(*arguments: str) -> str:
        return run(project, "django", *arguments, "--settings", "settings", "--pythonpath", ".")

    check_life(project, bare_database_dsn, lambda: django("migrate"))
    django("makemigrations", "--name", "things")
    things = next((project.root / "shop/migrations").glob("*_things.py"))
    project.write("flows/more.py", SECOND.replace("tick", "more"))
    project.ok("build", "--no-verify")
    more = next((project.root / "shop/migrations").glob("*_more.py"))
    assert f"('shopping', '{things.stem}')" in more.read_text().replace('"', "'")
    django("migrate")
    assert definition(bare_database_dsn, "more") is not None
    django("makemigrations", "--check")
