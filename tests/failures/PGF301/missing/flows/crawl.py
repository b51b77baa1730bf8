from pgflow_runtime import Context, Flow


crawl = Flow("crawl")
annotated: Flow[str] = Flow("annotated")


@crawl.step
def fetch(flow_input, ctx: Context) -> str:
    return ""


@crawl.step
async def count(fetch: str):
    return 1


@annotated.step
def fine(flow_input: str) -> None:
    return None
