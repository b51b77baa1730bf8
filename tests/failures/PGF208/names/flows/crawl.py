from pgflow_runtime import Context, Flow


crawl = Flow[str]("crawl", timout=30, start_delay=3, retries=4)


@crawl.step(array=None, delay=3, if_met={"a": 1})
def fetch(flow_input: str) -> str:
    return flow_input


@crawl.map(version=2)
def each(item: str) -> str:
    return item
