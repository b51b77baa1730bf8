"""The core's public functions and views, read from the heads of their files.

A public one begins with a line that says who calls it, ``-- for: worker, client``; roles, the reference page
and the list of signatures derive from that line.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from pgflow_sql import SqlFile, schema_files

CALLERS = ("worker", "client", "operator", "migrate", "cron", "pgflow", "core")
"""Who a function may be for. ``operator``: who decides over the runs of others. ``migrate``: the owner of the
schema, in migrations. ``cron``: pg_cron, or an administrator by hand. ``pgflow``: programs of pgflow itself,
which this core serves too. ``core``: only the core itself."""

_CREATED = re.compile(
    r"^create (?:or replace )?(?P<kind>function|view) pgflow\.(?P<name>[a-z]\w*)", re.MULTILINE
)
_FOR = re.compile(r"\A-- for: (?P<callers>[a-z, ]+)\n")


@dataclass(frozen=True, slots=True)
class SurfaceEntry:
    """A public function or view.

    Attributes:
        name: without the schema.
        kind: ``function`` or ``view``.
        callers: words of `CALLERS`.
        file: where it stands.
    """

    name: str
    kind: str
    callers: tuple[str, ...]
    file: SqlFile


@cache
def surface() -> tuple[SurfaceEntry, ...]:
    """All of them, in the order of the schema's files.

    Raises:
        ValueError: a public one does not say who calls it, or names a caller that is none.
    """
    return tuple(
        SurfaceEntry(match["name"], match["kind"], _callers_of(file), file)
        for file in schema_files()
        for match in _CREATED.finditer(file.text)
    )


def callable_by(caller: str, kind: str = "function") -> tuple[str, ...]:
    """Names of the functions (or views) that are for a caller, sorted."""
    return tuple(sorted(entry.name for entry in surface() if entry.kind == kind and caller in entry.callers))


def _callers_of(file: SqlFile) -> tuple[str, ...]:
    match = _FOR.match(file.text)
    callers = tuple(match["callers"].split(", ")) if match else ()
    if not callers or not set(callers) <= set(CALLERS):
        raise ValueError(f"{file.name} does not begin with '-- for: ' and some of {', '.join(CALLERS)}")
    return callers
