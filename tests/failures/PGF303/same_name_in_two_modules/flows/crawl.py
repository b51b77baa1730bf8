from flows import models
from flows.other import Page
from pgflow_runtime import Flow

crawl = Flow[str]("crawl")


@crawl.step
def fetch(flow_input: str) -> models.Page:
    return {"url": flow_input}


@crawl.step
def count(fetch: Page) -> int:
    return 1
