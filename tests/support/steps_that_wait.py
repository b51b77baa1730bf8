"""Steps without a handler, as methods of tests: signals and sleeps, and what is sent to them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from tests.support.core import Core, Json, Row


def add_sleep(core: Core, flow: str, slug: str, deps: Sequence[str] = (), **options: Any) -> Row:
    """Options: seconds or until; when_exhausted and conditions as for any step."""
    return _add(core, flow, slug, deps, "sleep", options)


def add_signal(core: Core, flow: str, slug: str, deps: Sequence[str] = (), **options: Any) -> Row:
    """Options: key, deadline; when_exhausted and conditions as for any step."""
    return _add(core, flow, slug, deps, "signal", options)


def _add(core: Core, flow: str, slug: str, deps: Sequence[str], kind: str, options: dict[str, Any]) -> Row:
    own = {name: options.pop(name) for name in ("seconds", "until", "key", "deadline") if name in options}
    return core.add_step(flow, slug, list(deps), options=Jsonb({"kind": kind, **own}), **options)


def send(core: Core, run: UUID, slug: str, payload: Json = None, dedupe: str | None = None) -> str:
    """Send one signal; what became of it."""
    (outcome,) = send_all(core, (run, slug, payload, dedupe))
    return outcome


def send_all(core: Core, *sent: tuple[UUID, str, Json, str | None]) -> list[str]:
    """Send signals (run, step, payload, mark against repetition) in one call; what became of each."""
    runs, slugs, payloads, dedupes = (list(column) for column in zip(*sent, strict=True))
    rows = core.rows(
        "select * from pgflow.send_signals(%s::uuid[], %s::text[], %s::jsonb[], %s::text[])",
        runs,
        slugs,
        [Jsonb(payload) for payload in payloads],
        dedupes,
    )
    assert [(row.run_id, row.step_slug) for row in rows] == list(zip(runs, slugs, strict=True))
    return [row.outcome for row in rows]


def send_by_key(
    core: Core, flow: str, slug: str, key: str, payload: Json = None, dedupe: str | None = None
) -> dict[UUID, str]:
    """What became of it, by run."""
    rows = core.rows(
        "select * from pgflow.send_signal_by_key(%s, %s, %s, %s, %s)", flow, slug, key, Jsonb(payload), dedupe
    )
    return {row.run_id: row.outcome for row in rows}
