from pgflow_runtime import Context, Flow


crawl = Flow[str]("crawl")


@crawl.step
def fetch(flow_input: str) -> str:
    return flow_input


@crawl.step(slug="list")
def list_(fecth: str) -> list[str]:
    return [fecth]


@crawl.step(depends_on=["lits", fetch])
def count(list_: list[str], payload: str, zebra: int) -> int:
    return len(list_)


@crawl.map(array="lists")
def each(item: str) -> str:
    return item
