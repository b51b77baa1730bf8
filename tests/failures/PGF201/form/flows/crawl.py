from pgflow_runtime import Context, Flow


crawl = Flow[str]("crawl-pages")
empty = Flow[str]("")
long = Flow[str]("x")


@crawl.step(slug="1st")
def first(flow_input: str) -> str:
    return flow_input


@crawl.step(slug="größe")
def second(flow_input: str) -> str:
    return flow_input


@empty.step
def third(flow_input: str) -> str:
    return flow_input


@long.step(slug="yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy")
def fourth(flow_input: str) -> str:
    return flow_input
