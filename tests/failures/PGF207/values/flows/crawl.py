from pgflow_runtime import Context, Flow


TOO_LONG = 60 * 60 * 24 * 366

crawl = Flow[str]("crawl", max_attempts=0, backoff="linear", base_delay=10)


@crawl.step(max_attempts=True, timeout=2, start_delay=-1)
def one(flow_input: str) -> str:
    return flow_input


@crawl.step(timeout=TOO_LONG, max_attempts=1001, when_exhausted="skip_cascade")
def two(flow_input: str) -> str:
    return flow_input


@crawl.step(
    timeout="30",
    max_delay=5,
    transactional=1,
)
def three(flow_input: str) -> str:
    return flow_input
