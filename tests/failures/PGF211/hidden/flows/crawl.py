from pgflow_runtime import Flow

FLOWS = []

odd = Flow[str]["more"]("odd")
FLOWS.append(Flow[str]("appended"))
made = [Flow[str](name) for name in ("a", "b")]
assert Flow[str]("asserted")


@Flow[str]("inline").step
def nobody(flow_input: str) -> str:
    return flow_input


def register() -> None:
    with open(Flow[str]("opened").slug):
        print("x")


crawl = Flow[str]("crawl")


@crawl.step
def fetch(flow_input: str) -> str:
    return flow_input
