from pgflow_runtime import Flow

crawl = Flow[list[str]]("crawl")


@crawl.map
def fetch(*, url: str) -> str:
    return url
