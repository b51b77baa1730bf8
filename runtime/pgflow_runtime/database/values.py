"""How values are read: a commit is not followed by an error because of a value's looks."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg.abc import Buffer
from psycopg.adapt import AdaptersMap, Loader
from psycopg.pq import Format

from pgflow_runtime.database.moments import read_moment

_AS_EVER = psycopg.adapters.get_loader(psycopg.adapters.types["timestamptz"].oid, Format.TEXT)
assert _AS_EVER is not None


class MomentLoader(Loader):
    """psycopg's own, which knows no infinity, and no years beyond those of Python."""

    def __init__(self, oid: int, context: Any = None) -> None:
        super().__init__(oid, context)
        self._loader = _AS_EVER(oid, context)  # type: ignore[misc]

    def load(self, data: Buffer) -> Any:
        try:
            return self._loader.load(data)
        except psycopg.DataError:
            return read_moment(bytes(data).decode())


ADAPTERS = AdaptersMap(psycopg.adapters)
"""For connections whose values nobody but us reads."""
ADAPTERS.register_loader("timestamptz", MomentLoader)
