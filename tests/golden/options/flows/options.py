"""All options, constants and conditions."""

from typing import NotRequired, TypedDict

from pgflow_runtime import Context, Flow

MINUTE = 60
ROOTS = ["begin"]


class Request(TypedDict):
    plan: str
    tags: list[str]


class Check(TypedDict):
    ok: bool


class Parts(TypedDict):
    check: NotRequired[Check]
    begin: list[str]


class End(TypedDict):
    done: bool


options = Flow[Request](
    "options",
    max_attempts=2,
    base_delay=1,
    timeout=5 * MINUTE,
    run_timeout=60 * MINUTE,
    backoff="fixed",
    max_delay=MINUTE,
)


@options.array(max_attempts=1, base_delay=3, timeout=MINUTE // 2, start_delay=0, backoff="exponential", max_delay=90)
def begin(flow_input: Request) -> list[str]:
    return flow_input["tags"]


@options.step(if_={"plan": "it's " "\\ pro"}, if_not={"tags": ["free"]}, when_unmet="skip")
def check(flow_input: Request) -> Check:
    return {"ok": True}


@options.map(array=begin, when_exhausted="skip")
def each(tag: str) -> int:
    return len(tag)


@options.step(transactional=True, depends_on=ROOTS)
def store(ctx: Context, each: list[int] | None = None, check: Check | None = None) -> End:
    return {"done": True}


@options.step(if_={"check": {"ok": True}}, when_unmet="skip-cascade")
async def tell(input: Parts) -> str:
    return ""


@options.step(when_exhausted="skip-cascade")
async def last(tell: str) -> None: ...
