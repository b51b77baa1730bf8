from pgflow_runtime import Context, Flow


crawl = Flow[str]("crawl")


@crawl.step
def text(flow_input: str) -> str:
    return flow_input


@crawl.step
def maybe(flow_input: str) -> list[str] | None:
    return None


@crawl.map(array=text)
def by_object(item: str) -> str:
    return item


@crawl.map(array="maybe")
def by_slug(item: str) -> str:
    return item
