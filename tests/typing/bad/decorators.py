"""What no decorator may accept, and calls that do not fit the handler's own signature."""

from pgflow_runtime import Context, Flow

crawl = Flow[dict[str, str]]("crawl")

Flow[str]("x", retries=3)  # E
Flow[str]("x", max_attempts="3")  # E
Flow[str]("x", backoff="linear")  # E
Flow[str]()  # E


@crawl.step
def count(flow_input: dict[str, str]) -> int:
    return len(flow_input)


@crawl.step
async def later(count: int, ctx: Context) -> str:
    return str(count)


count([])  # E
count()  # E
count({}, ctx=1)  # E
wrong: str = count({})  # E
later(1)  # E
text: str = later(1, Context.for_test())  # E


@crawl.array  # E
def no_list(count: int) -> int:
    return count


@crawl.array()  # E
async def no_list_either(count: int) -> str:
    return str(count)


@crawl.step(retry=3)  # E
def unknown_option(count: int) -> int:
    return count


@crawl.step(depends_on=[count, 3])  # E
def no_step(count: int) -> int:
    return count


@crawl.step(when_unmet="ignore")  # E
def no_mode(count: int) -> int:
    return count
