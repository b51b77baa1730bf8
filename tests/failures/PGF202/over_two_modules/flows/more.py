from flows.crawl import crawl


@crawl.step
def fetch(flow_input: str) -> str:
    return flow_input
