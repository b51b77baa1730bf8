"""Flows for the tests of the worker."""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Literal, NotRequired, TypedDict

import psycopg

from pgflow_runtime import (
    Context,
    Flow,
    JsonValue,
    NonRetryable,
    Resource,
    RetryAfter,
    Signal,
    Sleep,
    TaskCancelled,
)

PATIENCE = 60


def touch(folder: str, name: str) -> None:
    (Path(folder) / name).touch()


def wait_for(folder: str, name: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not (Path(folder) / name).exists():
        if time.monotonic() > deadline:
            raise TimeoutError(name)
        time.sleep(0.005)


async def await_file(folder: str, name: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not (Path(folder) / name).exists():
        if time.monotonic() > deadline:
            raise TimeoutError(name)
        await asyncio.sleep(0.005)


chain = Flow[int]("chain", base_delay=1)


@chain.step
async def first(flow_input: int) -> int:
    return flow_input + 1


@chain.step
def second(first: int) -> int:
    return first * 10


@chain.step
async def third(second: int, first: int) -> list[int]:
    return [first, second]


fan = Flow[int]("fan")


@fan.array
def numbers(flow_input: int) -> list[int | None]:
    return [None if n == 3 else n for n in range(flow_input)]


@fan.map(array=numbers)
def square(n: int | None, /, flow_input: int) -> int:
    return flow_input if n is None else n * n


@fan.map(array=square)
async def shift(n: int, ctx: Context) -> int:
    return n + ctx.step_task.task_index


@fan.step(slug="sum")
async def total(shift: list[int]) -> int:
    return sum(shift)


Steering = Literal[
    "late success",
    "always",
    "non-retryable",
    "retry after",
    "exit",
    "interrupt",
    "unprintable",
    "nul",
    "quotes",
    "euro",
    "huge",
    "nan",
    "set",
    "wrong type",
    "extra key",
    "cancelled",
]


class Steer(TypedDict):
    what: Steering


class Answer(TypedDict):
    attempt: int


steer = Flow[Steer]("steer", max_attempts=2, base_delay=1, backoff="fixed")


class UnprintableError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")


def odd_output(what: Steering) -> JsonValue:
    odd: dict[str, object] = {
        "nan": float("nan"),
        "set": {1},
        "wrong type": "three",
    }
    return odd.get(what)  # type: ignore[return-value]


@steer.step
async def obey(flow_input: Steer, ctx: Context) -> Answer:
    what, attempt = flow_input["what"], ctx.step_task.attempt
    match what:
        case "late success" if attempt == 1:
            raise ValueError("not yet")
        case "always":
            raise ValueError(f"attempt {attempt}")
        case "non-retryable":
            raise NonRetryable("never mind")
        case "retry after" if attempt == 1:
            raise RetryAfter(2, "busy")
        case "exit":
            sys.exit(3)
        case "interrupt":
            raise KeyboardInterrupt("pressed")
        case "unprintable":
            raise UnprintableError
        case "nul":
            raise ValueError("a\0b \ud800 c")
        case "quotes":
            raise ValueError("""it's "quoted", \\back\\slashed, {braced}, NULL and 5 €""")
        case "huge":
            raise ValueError("x" * 100_000)
        case "cancelled":
            raise asyncio.CancelledError("of its own accord")
        case "euro":
            return {"attempt": attempt, "price": "5 €"}  # type: ignore[typeddict-unknown-key]
        case "extra key":
            return {"attempt": attempt, "more": [0, False, "", None]}  # type: ignore[typeddict-unknown-key]
        case _:
            odd = odd_output(what)
            return {"attempt": odd if odd is not None else attempt}  # type: ignore[typeddict-item]


class Held(TypedDict):
    folder: str
    name: str
    mode: NotRequired[str]


held = Flow[Held]("held", max_attempts=3, base_delay=1, timeout=60)


@held.step
async def hold(flow_input: Held, ctx: Context) -> int:
    """Begin, wait for ``<name>.go``; note a cancellation."""
    folder, name = flow_input["folder"], flow_input["name"]
    touch(folder, f"{name}.begun.{ctx.step_task.attempt}")
    try:
        await await_file(folder, f"{name}.go")
    except asyncio.CancelledError:
        touch(folder, f"{name}.cancelled")
        raise
    return ctx.step_task.attempt


patient = Flow[Held]("patient", max_attempts=3, base_delay=1, timeout=60)


@patient.step
def wait(flow_input: Held, ctx: Context) -> str:
    """The same in a thread; with mode "polite" it ends when the worker stops."""
    folder, name = flow_input["folder"], flow_input["name"]
    touch(folder, f"{name}.begun.{ctx.step_task.attempt}")
    if flow_input.get("mode") == "polite":
        return "stopped" if ctx.shutdown.wait(PATIENCE) else "waited"
    if flow_input.get("mode") == "asking":
        try:
            while not ctx.cancelled.wait(0.005):
                ctx.check_cancelled()
            ctx.check_cancelled()
        except TaskCancelled as error:
            touch(folder, f"{name}.told")
            raise ValueError(error.reason) from error
    wait_for(folder, f"{name}.go")
    return "went"


@patient.step
async def after(wait: str) -> str:
    return f"after {wait}"


hasty = Flow[Held]("hasty", max_attempts=1, timeout=60, run_timeout=1)


@hasty.step
async def linger(flow_input: Held) -> str:
    """Takes longer than the whole run may."""
    touch(flow_input["folder"], f"{flow_input['name']}.begun")
    await await_file(flow_input["folder"], f"{flow_input['name']}.go")
    return "went"


@hasty.step(start_delay=600)
async def much_later(flow_input: Held) -> str:
    return "never"


tight = Flow[Held]("tight", max_attempts=1, timeout=3)


@tight.step
async def overrun(flow_input: Held) -> int:
    """Longer than its timeout: "obedient" lets itself be cancelled, "stubborn" does not."""
    folder, name = flow_input["folder"], flow_input["name"]
    touch(folder, f"{name}.begun")
    while not (Path(folder) / f"{name}.go").exists():
        try:
            await asyncio.sleep(0.02)
        except asyncio.CancelledError:
            touch(folder, f"{name}.cancelled")
            if flow_input.get("mode") != "stubborn":
                raise
    return 1


class Entry(TypedDict):
    folder: str
    note: str
    mode: NotRequired[str]


ledger = Flow[Entry]("ledger", max_attempts=2, base_delay=1, backoff="fixed", timeout=30)


@ledger.step(transactional=True)
def book(flow_input: Entry, ctx: Context) -> str:
    ctx.conn().execute("insert into public.ledger values (%s)", [flow_input["note"]])
    if flow_input.get("mode") == "fail once" and ctx.step_task.attempt == 1:
        raise ValueError("after writing")
    if flow_input.get("mode") == "roll back once" and ctx.step_task.attempt == 1:
        raise psycopg.Rollback
    if flow_input.get("mode") == "held":
        touch(flow_input["folder"], "booked")
        wait_for(flow_input["folder"], "book.go")
    return flow_input["note"]


@ledger.step(transactional=True)
async def confirm(book: str, ctx: Context) -> str:
    connection = await ctx.aconn()
    await connection.execute("insert into public.ledger values (%s)", [f"{book} confirmed"])
    return book


@ledger.step
def remember(book: str, ctx: Context) -> str:
    ctx.conn().execute("insert into public.ledger values (%s)", [f"{book} remembered"])
    return book


class Facts(TypedDict):
    label: str


facts = Flow[Facts]("facts", timeout=40)


@facts.array
async def letters(flow_input: Facts) -> list[str]:
    return list(flow_input["label"])


@facts.map(array=letters)
async def look(letter: str, ctx: Context) -> dict[str, JsonValue]:
    task = ctx.step_task
    fetched = await ctx.aflow_input()
    try:
        ctx.conn()
        wrong = ""
    except Exception as error:
        wrong = str(error)
    return {
        "index": task.task_index,
        "label": fetched["label"],
        "wrong": wrong,
        "message": dict(ctx.raw_message),
        "slots": ctx.worker_config.max_concurrent,
        "has_path": "PATH" in ctx.env,
    }


@facts.step
def read(letters: list[str], ctx: Context) -> dict[str, JsonValue]:
    try:
        asyncio.run(ctx.aconn())
        wrong = ""
    except Exception as error:
        wrong = str(error)
    return {"label": ctx.flow_input()["label"], "wrong": wrong}


forking = Flow[str]("forking", max_attempts=1)


def fork_and_return(folder: str) -> int:
    """Both processes come back from here; only the parent is the worker."""
    child = os.fork()
    if child == 0:
        touch(folder, "forked")
        return -1
    os.waitpid(child, 0)
    return child


@forking.step
def in_thread(flow_input: str) -> int:
    return fork_and_return(flow_input)


@forking.step
async def in_loop(in_thread: int, flow_input: str) -> list[int]:
    return [in_thread, fork_and_return(flow_input)]


strict = Flow[Held]("strict", max_attempts=1, timeout=60)


@strict.step(transactional=True)
def guard(flow_input: Held, ctx: Context) -> int:
    """Sees the database as it was when it began; the first time it waits for ``<name>.go``."""
    folder, name = flow_input["folder"], flow_input["name"]
    ctx.conn().execute("set transaction isolation level repeatable read")
    ctx.conn().execute("select 1")
    touch(folder, f"{name}.begun.{ctx.step_task.attempt}")
    wait_for(folder, f"{name}.go")
    return ctx.step_task.attempt


delayed = Flow[int]("delayed")


@delayed.step
def early(flow_input: int) -> int:
    return flow_input


@delayed.step(start_delay=1)
def late(early: int) -> int:
    return early + 1


siblings = Flow[Held]("siblings", max_attempts=1, timeout=60)


@siblings.step
async def doomed(flow_input: Held) -> int:
    """Fail once the sibling has begun."""
    await await_file(flow_input["folder"], f"{flow_input['name']}.begun")
    raise ValueError("fatal")


@siblings.step
def busy(flow_input: Held) -> int:
    """At work while the run fails."""
    touch(flow_input["folder"], f"{flow_input['name']}.begun")
    wait_for(flow_input["folder"], f"{flow_input['name']}.go")
    return 1


@siblings.step
def never(busy: int) -> int:
    return busy


poll = Flow[int]("poll", max_attempts=20)


@poll.step
async def ask(flow_input: int, ctx: Context) -> int:
    """Ask again until attempt 8; other inputs are days to wait."""
    if flow_input == 3 and ctx.step_task.attempt == 1:
        raise RetryAfter(timedelta(days=3))
    if flow_input == 400:
        raise RetryAfter(timedelta(days=400))
    if ctx.step_task.attempt < flow_input:
        raise RetryAfter(0)
    return ctx.step_task.attempt


class Figures(TypedDict):
    exact: float
    whole: int
    many: list[float]
    named: dict[str, float | None]
    either: int | float | None
    deeper: NotRequired["Figures"]


figures = Flow[Figures]("figures")


@figures.step
def carry(flow_input: Figures) -> Figures:
    return flow_input


@figures.array
async def spread(carry: Figures) -> list[Figures]:
    return [carry, carry["deeper"]] if "deeper" in carry else [carry]


@figures.map(array=spread)
def each(item: Figures) -> Figures:
    return item


@figures.map(array=each)
async def sizes(item: Figures, ctx: Context, flow_input: Figures) -> list[str]:
    return [repr(item), repr(flow_input), repr(await ctx.aflow_input())]


@figures.step
def rounded(carry: Figures) -> int:
    return 7.0  # type: ignore[return-value]


@figures.step
def doubled(rounded: int) -> float:
    return rounded * 2


@figures.step
def last(each: list[Figures], doubled: float, rounded: int) -> dict[str, JsonValue]:
    return {"each": repr(each), "doubled": repr(doubled), "rounded": repr(rounded)}


@figures.step
def kept(each: list[Figures]) -> list[Figures]:
    return each


truth = Flow[int]("truth", max_attempts=1)


@truth.step
def is_positive(flow_input: int) -> int:
    return flow_input > 0


@contextmanager
def open_counter() -> Iterator[list[int]]:
    yield []
    print("counter closed", flush=True)


@asynccontextmanager
async def open_pool() -> AsyncIterator[list[int]]:
    yield []
    print("pool closed", flush=True)


counter, pool = Resource(open_counter), Resource(open_pool)
shared = Flow[list[int]]("shared")


@shared.map
def counted(number: int) -> int:
    counter.get().append(number)
    return id(counter.get())


@shared.map
async def pooled(number: int) -> int:
    (await pool.aget()).append(number)
    return id(await pool.aget())


asking = Flow[int]("asking")


@asking.step
def question(flow_input: int) -> int:
    return flow_input + 1


nap = Sleep(asking, "nap", seconds=1, depends_on=[question])
answer = Signal[list[int]](asking, "answer", deadline=600, depends_on=[nap])
silence = Signal[list[int]](asking, "silence", deadline=1, when_exhausted="skip", depends_on=[nap])


@asking.map(array=answer)
def twice(number: int) -> int:
    return number * 2


@asking.step
async def told(twice: list[int], question: int, silence: list[int] | None = None) -> list[int | None]:
    return [*twice, question, None if silence is None else len(silence)]
