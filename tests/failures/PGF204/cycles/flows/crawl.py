from pgflow_runtime import Context, Flow


crawl = Flow[list[str]]("crawl")


@crawl.step
def start(flow_input: list[str]) -> int:
    return 1


@crawl.step(depends_on=["charge"])
def reserve(start: int) -> str:
    return "reserved"


@crawl.step
def charge(reserve: str) -> str:
    return "charged"


@crawl.step
def after(charge: str) -> str:
    return charge


@crawl.step
def lonely(lonely: int) -> int:
    return lonely
