import os
from datetime import timedelta

from pgflow_runtime import Flow

TIMEOUT = 30
TIMEOUT = 60
OPTIONS = {"max_attempts": 3}
NAME = "crawl"

crawl = Flow[str](f"{NAME}_pages", timeout=TIMEOUT)


@crawl.step(timeout=timedelta(minutes=1).seconds, **OPTIONS)
def fetch(flow_input: str) -> str:
    return flow_input


@crawl.step(max_attempts=int(os.environ["ATTEMPTS"]), depends_on=[*[fetch]])
def count(flow_input: str) -> int:
    return 1


@crawl.step(slug="".join(["a", "b"]))
def last(flow_input: str, when=os.name) -> int:
    return 1
