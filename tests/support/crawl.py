"""A flow's generated client as the compiler would write it, by hand, for tests of the runtime alone.

``urls`` lists, ``fetch`` maps over them, ``report`` joins both, ``note`` stands alone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

from pgflow_runtime.client import (
    AsyncClientBase,
    AsyncRun,
    AsyncStepRun,
    ClientBase,
    FlowContract,
    Run,
    StepRun,
)
from pgflow_shared.structure import structure_hash
from tests.support.core import Core

STEPS: Mapping[str, tuple[str, Sequence[str]]] = {
    "urls": ("single", []),
    "fetch": ("map", ["urls"]),
    "report": ("single", ["fetch", "urls"]),
    "note": ("single", []),
}
LINES = ("urls", "fetch:map < urls", "report < fetch urls", "note")
"""The same for ``Core.flow``."""

STRUCTURE = {
    "steps": [
        {"slug": slug, "type": kind, "dependencies": sorted(dependencies)}
        for slug, (kind, dependencies) in sorted(STEPS.items())
    ]
}


def _step(slug: str, kind: str) -> dict[str, Any]:
    return {
        "module": "flows.crawl",
        "function": slug,
        "kind": "map" if kind == "map" else "step",
        "async": True,
        "transactional": False,
        "params": [],
        "input": True,
        "output": {"$ref": "#/$defs/Page"} if slug == "fetch" else True,
    }


DOCUMENT: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "crawl",
    "type": "object",
    "properties": {"input": {"$ref": "#/$defs/CrawlInput"}, "output": {}},
    "$defs": {
        "CrawlInput": {
            "type": "object",
            "properties": {
                "urls": {"type": "array", "items": {"type": "string"}},
                "language": {"type": "string"},
                "seen": {"type": "array", "items": {"anyOf": [{"$ref": "#/$defs/Page"}, {"type": "null"}]}},
            },
            "required": ["urls"],
        },
        "Page": {
            "type": "object",
            "properties": {
                "url": {"type": "string"},
                "links": {"type": "array", "items": {"$ref": "#/$defs/Page"}},
            },
            "required": ["url"],
        },
    },
    "x-pgflow": {
        "slug": "crawl",
        "version": 1,
        "flow": "flows.crawl:crawl",
        "modules": ["flows.crawl"],
        "structure_hash": structure_hash(STRUCTURE),
        "structure": STRUCTURE,
        "settings": {"steps": {}},
        "steps": {slug: _step(slug, kind) for slug, (kind, _) in STEPS.items()},
    },
}


def write_contract(folder: Path, document: Mapping[str, Any] = DOCUMENT) -> Path:
    """Write ``schemas/<title>.json`` below a folder; returns the file."""
    path = folder / "schemas" / f"{document['title']}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=2), encoding="utf-8")
    return path


def contract_of(document: Mapping[str, Any]) -> FlowContract:
    """A contract that is in no file."""
    contract = FlowContract(Path("nowhere.json"))
    contract.__dict__["schema"] = document
    return contract


CONTRACT = contract_of(DOCUMENT)
OTHER = contract_of({**DOCUMENT, "x-pgflow": {**DOCUMENT["x-pgflow"], "slug": "crawl_v2"}})


class AsyncCrawlRun(AsyncRun[Any]):
    contract = CONTRACT

    def step(self, slug: str, /) -> AsyncStepRun[Any]:
        return self._step(slug)


class CrawlRun(Run[Any]):
    contract = CONTRACT

    def step(self, slug: str, /) -> StepRun[Any]:
        return self._step(slug)


class AsyncOtherRun(AsyncCrawlRun):
    contract = OTHER


class AsyncClient(AsyncClientBase):
    async def start_crawl(self, input: Any, /, *, run_id: UUID | None = None) -> AsyncCrawlRun:
        return await self._start(AsyncCrawlRun, input, run_id)

    async def start_many_crawl(
        self, inputs: Sequence[Any], /, *, run_ids: Sequence[UUID] | None = None
    ) -> list[AsyncCrawlRun]:
        return await self._start_many(AsyncCrawlRun, inputs, run_ids)

    async def get_crawl(self, run_id: UUID, /) -> AsyncCrawlRun:
        return await self._get(AsyncCrawlRun, run_id)

    async def fork_crawl(
        self, run_id: UUID, /, from_steps: Sequence[str], input: Any = None
    ) -> AsyncCrawlRun:
        return await self._fork(AsyncCrawlRun, run_id, from_steps, input)

    async def start_other(self, input: Any, /) -> AsyncOtherRun:
        return await self._start(AsyncOtherRun, input, None)

    async def get_other(self, run_id: UUID, /) -> AsyncOtherRun:
        return await self._get(AsyncOtherRun, run_id)


class Client(ClientBase):
    def fork_crawl(self, run_id: UUID, /, from_steps: Sequence[str], input: Any = None) -> CrawlRun:
        return self._fork(CrawlRun, run_id, from_steps, input)

    def start_crawl(self, input: Any, /, *, run_id: UUID | None = None) -> CrawlRun:
        return self._start(CrawlRun, input, run_id)

    def get_crawl(self, run_id: UUID, /) -> CrawlRun:
        return self._get(CrawlRun, run_id)


def check_order(names: list[str]) -> None:
    """The promise: the run's start first, its end last, starts before ends, parents before children."""
    assert names[0] == "run:started"
    assert names[-1] in ("run:completed", "run:failed", "run:cancelled")
    first = {name: names.index(name) for name in names}
    assert len(first) == len(names)
    for step, parents in {"fetch": ["urls"], "report": ["fetch", "urls"]}.items():
        mine = [place for name, place in first.items() if name.startswith(f"{step} ")]
        for parent in parents:
            end = first.get(f"{parent} completed")
            assert not mine or (end is not None and end < min(mine)), names
    for step in ("urls", "fetch", "report", "note"):
        if f"{step} started" in first and f"{step} completed" in first:
            assert first[f"{step} started"] < first[f"{step} completed"]


def name_of(event: Any) -> str:
    slug = getattr(event, "step_slug", None)
    return f"{slug} {event.status}" if slug else event.event_type


def finish(hand: Core, urls: tuple[str, ...] = ("a", "b")) -> None:
    """Do all the work there is."""
    pending = True
    while pending:
        started = hand.poll("crawl", 100)
        pending = bool(started)
        for task in started:
            output: Any = {"urls": list(urls), "note": "n", "report": {"pages": len(urls)}}.get(
                task.step_slug
            )
            if task.step_slug == "fetch":
                output = {"url": task.input}
            hand.complete_task(task.run_id, task.step_slug, task.task_index, output)
