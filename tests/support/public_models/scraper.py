"""Crawled pages with bytes, paths, times and sets."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from enum import Enum, IntEnum, auto, unique
from pathlib import Path
from typing import Literal

from pgflow_runtime import Flow


@unique
class Status(IntEnum):
    OK = 200
    GONE = 410


class Kind(Enum):
    HTML = auto()
    PDF = auto()


@dataclass(slots=True, frozen=True)
class Page:
    url: str
    status: Status
    kind: Kind
    body: bytes = b""
    fetched: datetime = datetime(2024, 1, 1, tzinfo=UTC)
    took: timedelta = timedelta(milliseconds=5)
    links: set[str] = field(default_factory=set)
    seen: tuple[tuple[date, time], ...] = ()
    target: Path = Path("out")
    robots: dict[str, Literal["allow", "deny"]] = field(default_factory=dict)


crawl = Flow[None]("scraper")


@crawl.step
def fetch() -> Page:
    return Page("u", Status.OK, Kind.PDF, b"x", links={"a", "b"})


@crawl.step(if_={"fetch": {"status": Status.OK, "kind": Kind.PDF}})
def parse(fetch: Page) -> list[Page]:
    return [fetch]
