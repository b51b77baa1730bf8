"""Databases for tests: one is migrated a session, each test gets a copy of it."""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from itertools import count
from pathlib import Path
from typing import Any

from psycopg.conninfo import make_conninfo
from psycopg.sql import SQL, Identifier

from pgflow_runtime.client import AsyncClientBase
from pgflow_runtime.database.store import connected
from pgflow_runtime.errors import ProjectError
from pgflow_runtime.migrate import migrate
from pgflow_runtime.project import Project, find_project

VARIABLE = "PGFLOW_TEST_DSN"
"""Names the server where the tests' databases are made, if not the project's own."""
_PREFIX = "pgflow_test_"


class Databases:
    """Makes copies of a migrated template on the server behind ``dsn``."""

    def __init__(self, project: Project, dsn: str) -> None:
        self.project = project
        self._dsn = dsn
        self._numbers = count(1)
        self._stem = f"{_PREFIX}{os.getpid()}_"
        self._template: str | None = None

    @contextmanager
    def new(self) -> Iterator[str]:
        """A new database's DSN; the database is dropped afterwards, whoever is connected to it."""
        template = self._migrated_template()
        name = f"{self._stem}{next(self._numbers)}"
        self._run(SQL("create database {} template {}").format(Identifier(name), Identifier(template)))
        try:
            yield make_conninfo(self._dsn, dbname=name)
        finally:
            self._drop(name)

    def client_class(self) -> type[AsyncClientBase]:
        """The project's generated ``AsyncClient``."""
        self.project.put_on_path()
        name = ".".join(self.project.out.relative_to(self._import_root()).parts)
        client: type[AsyncClientBase] = importlib.import_module(f"{name}.client").AsyncClient
        return client

    def close(self) -> None:
        if self._template is not None:
            self._drop(self._template)

    def drop_left_overs(self) -> None:
        """Drop what sessions left behind that were killed; only where all of them are on this machine."""
        with connected(self._dsn, autocommit=True) as connection:
            rows = connection.execute(
                "select datname from pg_database where datname ~ %s", [f"^{_PREFIX}[0-9]+_"]
            ).fetchall()
        for (name,) in rows:
            if not _is_running(int(name.removeprefix(_PREFIX).partition("_")[0])):
                self._drop(name)

    def _migrated_template(self) -> str:
        if self._template is None:
            name = f"{self._stem}template"
            self._run(SQL("create database {}").format(Identifier(name)))
            self._template = name
            report = migrate(make_conninfo(self._dsn, dbname=name), self.project)
            if not report.flows:
                raise ProjectError(
                    f"there are no flow migrations in {self.project.migrations}: run `pgflow-gen build`"
                )
        return self._template

    def _import_root(self) -> Path:
        """The folder from which the generated package is imported."""
        roots = [root for root in (*self.project.src, self.project.root) if root in self.project.out.parents]
        return max(roots, key=lambda root: len(root.parts))

    def _drop(self, name: str) -> None:
        self._run(SQL("drop database if exists {} with (force)").format(Identifier(name)))

    def _run(self, statement: Any) -> None:
        with connected(self._dsn, autocommit=True) as connection:
            connection.execute(statement)


@contextmanager
def databases_for(start: Path) -> Iterator[Databases]:
    """Databases for the tests of the project that ``start`` lies in; the server runs as long as the block.

    Raises ProjectError where there is no build to migrate by, or the server does not start.
    """
    project = find_project(start)
    dsn = os.environ.get(VARIABLE)
    with nullcontext(dsn) if dsn else _embedded(project.root) as found:
        databases = Databases(project, found)
        if not dsn:
            databases.drop_left_overs()
        try:
            yield databases
        finally:
            databases.close()


@contextmanager
def _embedded(root: Path) -> Iterator[str]:
    from pgflow_runtime.database.embedded import embedded_server  # needs a Unix system, which a DSN does not

    with embedded_server(root) as conninfo:
        yield conninfo


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
