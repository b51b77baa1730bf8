"""A project of many flow modules, for measuring the compiler: each has five steps and its own types."""

from __future__ import annotations

from pathlib import Path

_MODULE = '''\
"""Crawl batch {n}: find pages, read them, and write a report about batch {n}."""

from __future__ import annotations

import hashlib
from typing import Literal, NotRequired, TypedDict

from flows.shared import Page, Source
from pgflow_runtime import Context, Flow


class Crawl{n}Input(TypedDict):
    sources: list[Source]
    depth: NotRequired[int]


class Digest{n}(TypedDict):
    url: str
    sha256: str
    words: int
    verdict: Literal["fresh", "stale"]


class Report{n}(TypedDict):
    total: int
    stale: list[str]
    by_host: dict[str, int]


crawl_{n} = Flow[Crawl{n}Input]("crawl_{n}", max_attempts=5, timeout=60)


@crawl_{n}.array(max_attempts=3)
async def urls(flow_input: Crawl{n}Input, ctx: Context) -> list[str]:
    """The addresses of all sources, each once, in the order given."""
    seen: dict[str, None] = {{}}
    for source in flow_input["sources"]:
        for path in source["paths"]:
            seen.setdefault(f"https://{{source['host']}}/{{path.lstrip('/')}}", None)
    return list(seen)[: 100 * flow_input.get("depth", 1)]


@crawl_{n}.map(array=urls, timeout=30, base_delay=2)
async def fetch(url: str) -> Page:
    """One page, as if it had been read from the network."""
    text = " ".join(word for word in url.replace("/", " ").split() if len(word) > {odd})
    return {{"url": url, "host": url.split("/")[2], "text": text}}


@crawl_{n}.map(array=fetch)
def digest(page: Page) -> Digest{n}:
    sha256 = hashlib.sha256(page["text"].encode()).hexdigest()
    stale = int(sha256[:2], 16) % 7 == {odd}
    return {{
        "url": page["url"],
        "sha256": sha256,
        "words": len(page["text"].split()),
        "verdict": "stale" if stale else "fresh",
    }}


@crawl_{n}.step
def hosts(fetch: list[Page]) -> dict[str, int]:
    counted: dict[str, int] = {{}}
    for page in fetch:
        counted[page["host"]] = counted.get(page["host"], 0) + 1
    return counted


@crawl_{n}.step(start_delay={odd})
async def report(digest: list[Digest{n}], hosts: dict[str, int]) -> Report{n}:
    """How many pages there were, which are stale, and where they came from."""
    stale = [item["url"] for item in digest if item["verdict"] == "stale"]
    return {{"total": len(digest), "stale": sorted(stale), "by_host": hosts}}
'''

_SHARED = '''\
"""Types that all crawls share."""

from typing import TypedDict


class Source(TypedDict):
    host: str
    paths: list[str]


class Page(TypedDict):
    url: str
    host: str
    text: str
'''


def write_project(root: Path, count: int) -> list[Path]:
    """A project with ``count`` flow modules of five steps in ``root``; the modules, in order of name."""
    flows = root / "flows"
    flows.mkdir(parents=True)
    (root / "pyproject.toml").write_text('[tool.pgflow-gen]\nflows = ["flows"]\n', encoding="utf-8")
    (flows / "shared.py").write_text(_SHARED, encoding="utf-8")
    modules = [flows / f"crawl_{n:04d}.py" for n in range(count)]
    for n, module in enumerate(modules):
        module.write_text(_MODULE.format(n=n, odd=n % 5 + 1), encoding="utf-8")
    return modules
