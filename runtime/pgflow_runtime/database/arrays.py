"""Array parameters as PostgreSQL's text literals: cheaper to send than lists psycopg dumps one by one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import UUID


def plain(items: Iterable[str | int | UUID]) -> str:
    """Uuids and integers: nothing in them needs quotes."""
    return "{" + ",".join(map(str, items)) + "}"


def slugs(items: Iterable[str]) -> str:
    """Slugs: nothing in them needs escaping, but one without quotes could be taken for NULL."""
    quoted = '","'.join(items)
    return f'{{"{quoted}"}}' if quoted else "{}"


def texts(items: Iterable[str]) -> str:
    """Any texts, JSON among them."""
    quoted = ",".join('"' + item.replace("\\", "\\\\").replace('"', '\\"') + '"' for item in items)
    return "{" + quoted + "}"


def flags(items: Iterable[bool]) -> str:
    return "{" + ",".join("t" if item else "f" for item in items) + "}"


def optional(items: Iterable[int | None]) -> str:
    """Natural numbers, None as -1: a database may read NULL in such a text as a word (``array_nulls``)."""
    return "{" + ",".join("-1" if item is None else str(item) for item in items) + "}"


def fences(items: Sequence[tuple[str, str, str, int, int]]) -> tuple[str, str, str, str, str]:
    """The five arrays that name the tasks: worker ids, run ids, step slugs, task indexes, attempts."""
    worker_ids, run_ids, step_slugs, task_indexes, attempts = zip(*items, strict=True)
    return plain(worker_ids), plain(run_ids), slugs(step_slugs), plain(task_indexes), plain(attempts)
