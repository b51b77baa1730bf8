from pgflow_runtime import Flow

TIMEOUT = 30
UNTOUCHED = 40


def configure(seconds: int) -> None:
    global TIMEOUT
    TIMEOUT = seconds


crawl = Flow[str]("crawl", timeout=UNTOUCHED)


@crawl.step(timeout=TIMEOUT)
def fetch(flow_input: str) -> str:
    return flow_input
