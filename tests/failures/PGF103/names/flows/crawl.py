from typing import TypedDict

import pendulum
from flows.models import Pgae
from flows.nowhere import Thing
from pgflow_runtime import Flow


class Page(TypedDict):
    url: str
    when: pendulum.DateTime


crawl = Flow[str]("crawl")


@crawl.step
def fetch(flow_input: str) -> Pgae:
    return {"url": flow_input}


@crawl.step
def one(fetch: "list[Pages]") -> Thing:
    return fetch


@crawl.step
def two(flow_input: str) -> Page:
    return {"url": flow_input}
