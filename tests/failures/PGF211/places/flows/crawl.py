from pgflow_runtime import Context, Flow


crawl = Flow[str]("crawl")

if True:
    other = Flow[str]("other")


@crawl.step
def fetch(flow_input: str) -> str:
    return flow_input


class Handlers:
    @crawl.step
    def count(self, fetch: str) -> int:
        return len(fetch)


def factory() -> None:
    @crawl.step
    def inner(flow_input: str) -> str:
        return flow_input


try:

    @crawl.step
    async def tried(flow_input: str) -> str:
        return flow_input

finally:
    pass
