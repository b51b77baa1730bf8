"""The trust tests' project and what is put into their databases."""

from __future__ import annotations

from pathlib import Path

import psycopg

from tests.support.core import Core, connect
from tests.support.databases import STUBS
from tests.support.invariants import install
from tests.support.project import Project
from tests.support.worker_lab import make_project

FLOWS = Path(__file__).with_name("trust_flows.py")
AUDIT = Path(__file__).with_name("trust_audit.sql")


def make_trust_project(root: Path) -> Project:
    return make_project(root, "trust", FLOWS)


def prepare(project: Project, dsn: str) -> None:
    """Migrate an empty database, so that it keeps the events sent and every change of a status."""
    with psycopg.connect(dsn) as connection:
        connection.execute(STUBS.read_bytes())
    project.ok("migrate", "--dsn", dsn)
    with connect(dsn) as connection:
        connection.execute(AUDIT.read_bytes())
        connection.execute("create table public.ledger (note text)")
        install(Core(connection))
