"""Where handlers run: a flow's default, and what steps say otherwise."""

from typing import TypedDict

from pgflow_runtime import Again, Context, Flow, RunEnd

GPU = {"gpus": 1, "memory": 8_000_000_000}


class Page(TypedDict):
    url: str
    words: int


scan = Flow[list[str]]("scan", executor="process")


@scan.map
def read(url: str) -> Page:
    return {"url": url, "words": 0}


@scan.map(array=read, executor="ray", resources=GPU)
def embed(page: Page) -> list[float]:
    return [float(page["words"])]


@scan.loop(max_rounds=10, executor="dask", resources={"cpus": 0.5, "TPU": 2})
def train(embed: list[list[float]], state: int | None = None) -> Again[int] | int:
    return Again(1) if state is None else state


@scan.step(transactional=True)
def store(ctx: Context, read: list[Page]) -> int:
    return len(read)


@scan.step(executor=None)
async def tell(train: int) -> str:
    return str(train)


@scan.undo(store)
def unstore(store: int) -> None: ...


@scan.end()
def done(run_end: RunEnd) -> None: ...
