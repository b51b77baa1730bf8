from pgflow_runtime import Flow

client = Flow[str]("client")
crawl = Flow[str]("crawl")
many = Flow[str]("many_crawl")


@client.step
def fetch(flow_input: str) -> str:
    return flow_input


@crawl.step
def fetch_page(flow_input: str) -> str:
    return flow_input


@crawl.step(slug="fetchPage")
def fetch_other(flow_input: str) -> str:
    return flow_input


@many.step(slug="many_crawl")
def crawl_many(flow_input: str) -> str:
    return flow_input
