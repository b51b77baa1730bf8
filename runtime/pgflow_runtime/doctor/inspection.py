"""What every check may use: the database, the project, and a way to ask that counts as one question."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, LiteralString

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from pgflow_runtime.project import Project

SILENCE = 30
"""Seconds without a sign of life after which a worker counts as dead (specification/core.md, "Life and
recovery")."""


@dataclass(frozen=True, slots=True)
class Inspection:
    """A connection that commits every statement, and the project the command was started in."""

    connection: psycopg.Connection[Any]
    project: Project
    env: Mapping[str, str]

    def rows(
        self, query: LiteralString | sql.Composed, values: Sequence[object] | Mapping[str, object] = ()
    ) -> list[dict[str, Any]]:
        """All rows of a query by column."""
        with self.connection.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(query, values or None).fetchall()

    def row(
        self, query: LiteralString | sql.Composed, values: Sequence[object] | Mapping[str, object] = ()
    ) -> dict[str, Any]:
        """The one row of a query that has one."""
        (row,) = self.rows(query, values)
        return row
