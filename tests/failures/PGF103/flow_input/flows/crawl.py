from pgflow_runtime import Context, Flow


crawl = Flow[CrawlInput]("crawl")


@crawl.step
def fetch(flow_input: str) -> str:
    return flow_input
