"""Array parameters as PostgreSQL's text literals: cheaper to send than lists psycopg dumps one by one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import UUID


def plain(items: Iterable[str | int | UUID]) -> str:
    """Uuids, integers and slugs: nothing in them needs quotes."""
    return "{" + ",".join(map(str, items)) + "}"


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
    columns = zip(*items, strict=True)
    worker_ids, run_ids, step_slugs, task_indexes, attempts = (plain(column) for column in columns)
    return worker_ids, run_ids, step_slugs, task_indexes, attempts
