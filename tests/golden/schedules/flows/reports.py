"""Reports at certain times."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, NotRequired, TypedDict

from pgflow_runtime import FIRE_DATE, FIRE_TIME, Flow


class Page(TypedDict):
    number: int
    at: NotRequired[str | None]


class Report(TypedDict):
    day: str
    kind: Literal["long", "short"]
    pages: list[Page]
    scale: NotRequired[float]


class Size(StrEnum):
    SMALL = "small"


@dataclass
class Digest:
    day: str
    size: Size = Size.SMALL


report = Flow[Report]("report")
digest = Flow[Digest]("digest")
heartbeat = Flow[None]("heartbeat")
PAGES = [{"number": 1, "at": FIRE_TIME}, {"number": 2, "at": None}]


@report.step
def write(flow_input: Report) -> str:
    return flow_input["day"]


@heartbeat.step
def beat() -> None: ...


nightly = report.schedule(
    "nightly",
    cron="30 2 * * mon-fri",
    timezone="Europe/Berlin",
    input={"day": FIRE_DATE, "kind": "long", "pages": PAGES, "scale": 1.5},
    overlap="queue",
    catch_up="all",
)
report.schedule("monthly", cron="@monthly", input={"day": "it's 'today'", "kind": "short", "pages": []})
report.schedule("either_day", cron="*/20 8-18/2 1,15 * 7", input={"day": FIRE_TIME, "kind": "short", "pages": []})
heartbeat.schedule("beat", every=3600, input=None, overlap="allow", catch_up="none")


@digest.step
def shorten(flow_input: Digest) -> str:
    return flow_input.day


digest.schedule("weekly", cron="@weekly", timezone="Asia/Tokyo", input=Digest(day=FIRE_DATE))
