"""Flows for the trust tests: what they put out is a function of their input, whatever dies on the way.

Every attempt that begins is noted as a line in the file ``log`` of a run's input.
"""

import asyncio
import os
import random
import sys
import time
from pathlib import Path
from typing import Literal, NotRequired, TypedDict

from pgflow_runtime import Context, Flow, RetryAfter


def note(log: str, ctx: Context) -> None:
    """One line in one write: lines of several processes do not mix, and kill -9 tears none."""
    task = ctx.step_task
    line = f"{task.run_id} {task.step_slug} {task.task_index} {task.attempt} {os.getpid()}\n"
    file = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    try:
        os.write(file, line.encode())
    finally:
        os.close(file)


def pause() -> float:
    """Mostly a few milliseconds, now and then long enough to be met by whatever happens to workers."""
    return random.choice((0.0, 0.001, 0.003, 0.005, 0.01, 0.01, 0.02, 0.3))


class Order(TypedDict):
    log: str
    seed: int
    size: int
    doom: Literal["none", "flaky", "fragile", "cascade", "run"]
    vip: bool


class Plan(TypedDict):
    first: int
    size: int


class Report(TypedDict):
    total: int
    gift: str
    fragile: int


soak = Flow[Order]("soak", max_attempts=3, base_delay=1, backoff="fixed", timeout=60)


@soak.step
def plan(flow_input: Order, ctx: Context) -> Plan:
    note(flow_input["log"], ctx)
    time.sleep(pause())
    return {"first": flow_input["seed"] % 1009, "size": flow_input["size"]}


@soak.array
async def items(plan: Plan, flow_input: Order, ctx: Context) -> list[int]:
    note(flow_input["log"], ctx)
    await asyncio.sleep(pause())
    return [plan["first"] + index for index in range(plan["size"])]


@soak.map(array=items)
def weigh(item: int, flow_input: Order, ctx: Context) -> int:
    note(flow_input["log"], ctx)
    time.sleep(pause())
    if flow_input["doom"] == "flaky" and ctx.step_task.attempt == 1 and item % 2 == 0:
        raise ValueError("the first attempt fails")
    return item * 7 % 1009


@soak.map(array=weigh)
async def polish(weight: int, ctx: Context) -> int:
    order: Order = await ctx.aflow_input()
    note(order["log"], ctx)
    await asyncio.sleep(pause())
    if order["doom"] == "flaky" and ctx.step_task.attempt == 1 and ctx.step_task.task_index == 0:
        raise RetryAfter(1, "in a second")
    return weight + ctx.step_task.task_index


@soak.step
async def total(polish: list[int], flow_input: Order, ctx: Context) -> int:
    note(flow_input["log"], ctx)
    await asyncio.sleep(pause())
    return sum(polish)


@soak.step(if_={"vip": True})
def gift(flow_input: Order, ctx: Context) -> str:
    note(flow_input["log"], ctx)
    return f"gift {flow_input['seed']}"


@soak.step(max_attempts=2, when_exhausted="skip")
async def fragile(plan: Plan, flow_input: Order, ctx: Context) -> int:
    note(flow_input["log"], ctx)
    await asyncio.sleep(pause())
    if flow_input["doom"] == "fragile":
        raise ValueError("fragile always fails")
    return plan["size"]


@soak.step(max_attempts=1, when_exhausted="skip-cascade")
def brittle(plan: Plan, flow_input: Order, ctx: Context) -> int:
    note(flow_input["log"], ctx)
    if flow_input["doom"] == "cascade":
        raise ValueError("brittle always fails")
    return plan["first"]


@soak.step
async def follow(brittle: int, flow_input: Order, ctx: Context) -> int:
    note(flow_input["log"], ctx)
    return brittle + 1


@soak.step(max_attempts=2)
def doomed(plan: Plan, flow_input: Order, ctx: Context) -> int:
    note(flow_input["log"], ctx)
    time.sleep(pause())
    if flow_input["doom"] == "run":
        raise ValueError("doomed always fails")
    return plan["size"]


@soak.step
def report(
    total: int,
    doomed: int,
    flow_input: Order,
    ctx: Context,
    gift: str | None = None,
    fragile: int | None = None,
) -> Report:
    note(flow_input["log"], ctx)
    return {
        "total": total,
        "gift": "none" if gift is None else gift,
        "fragile": -doomed if fragile is None else fragile,
    }


class Entry(TypedDict):
    folder: str
    note: str


books = Flow[Entry]("books", max_attempts=2, base_delay=1, backoff="fixed", timeout=30)


@books.step(transactional=True)
def debit(flow_input: Entry, ctx: Context) -> str:
    """Writes, says so, and lingers: whoever kills it now kills it between the write and the completion."""
    entry = f"{flow_input['note']} debit"
    ctx.conn().execute("insert into public.ledger values (%s)", [entry])
    (Path(flow_input["folder"]) / f"wrote-{os.getpid()}").touch()
    time.sleep(random.choice((0.0, 0.01, 0.05, 0.2)))
    return flow_input["note"]


@books.step(transactional=True)
async def credit(debit: str, flow_input: Entry, ctx: Context) -> str:
    connection = await ctx.aconn()
    await connection.execute("insert into public.ledger values (%s)", [f"{debit} credit"])
    (Path(flow_input["folder"]) / f"wrote-{os.getpid()}").touch()
    await asyncio.sleep(random.choice((0.0, 0.01, 0.05, 0.2)))
    return debit


pair = Flow[Entry]("pair", max_attempts=3, base_delay=1, backoff="fixed", timeout=30)


@pair.step(transactional=True)
def a_write(flow_input: Entry, ctx: Context) -> str:
    """The first to be claimed."""
    ctx.conn().execute("insert into public.ledger values (%s)", [flow_input["note"]])
    return flow_input["note"]


@pair.step
async def beside(flow_input: Entry) -> str:
    """In the same run, perhaps in another worker."""
    folder, name = Path(flow_input["folder"]), flow_input["note"]
    (folder / f"{name}.beside").touch()
    while not (folder / f"{name}.go").exists():  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    return name


suicidal = Flow[str]("suicidal", max_attempts=1, base_delay=1, backoff="fixed", timeout=30)


@suicidal.step(transactional=True)
def leap(flow_input: str, ctx: Context) -> str:
    """Its own doing ends its connection, every time."""
    ctx.conn().execute("insert into public.ledger values (%s)", [flow_input])
    ctx.conn().execute("select pg_terminate_backend(pg_backend_pid())")
    return flow_input


class Egg(TypedDict):
    log: str
    number: int


class Clutch(TypedDict):
    log: str
    size: int


class Hatched(TypedDict):
    hatch: int


egg = Flow[Egg]("egg", max_attempts=2, base_delay=1, backoff="fixed", timeout=60)


@egg.step
async def hatch(flow_input: Egg, ctx: Context) -> int:
    note(flow_input["log"], ctx)
    await asyncio.sleep(pause())
    return flow_input["number"] * 3


brood = Flow[Clutch]("brood", max_attempts=3, base_delay=1, backoff="fixed", timeout=60)


@brood.array
async def numbers(flow_input: Clutch) -> list[int]:
    return list(range(flow_input["size"]))


@brood.map(array=numbers, subflow=egg)
async def eggs(number: int, ctx: Context) -> Egg:
    clutch: Clutch = await ctx.aflow_input()
    note(clutch["log"], ctx)
    return {"log": clutch["log"], "number": number}


@brood.step
async def count(eggs: list[Hatched]) -> int:
    return sum(one["hatch"] for one in eggs)


class Evil(TypedDict):
    folder: str
    deed: str


class UnprintableError(Exception):
    def __str__(self) -> str:
        raise SystemExit("no text either")


def until(folder: str, name: str) -> None:
    while not (Path(folder) / name).exists():
        time.sleep(0.01)


def fork(folder: str, *, lives_on: bool) -> str:
    """A child that ends by itself the ordinary way, or goes on after its parent has returned."""
    child = os.fork()
    if child == 0:
        if lives_on:
            until(folder, "child.go")
            (Path(folder) / "child.done").touch()
        sys.exit(7)  # as a script would: through the worker's frames, which must not act on it
    if not lives_on:
        os.waitpid(child, 0)
    return "forked"


def do_evil(deed: str, folder: str, attempt: int) -> str:
    match deed:
        case "huge":
            return "x" * 50_000_000
        case "unprintable":
            raise UnprintableError
        case "exit":
            raise SystemExit(3)
        case "interrupt":
            raise KeyboardInterrupt
        case "generator exit":
            raise GeneratorExit
        case "out of memory":
            raise MemoryError
        case "recursion":
            return do_evil(deed, folder, attempt)
        case "fork":
            return fork(folder, lives_on=False)
        case "fork and live":
            return fork(folder, lives_on=True)
        case "os._exit" if attempt == 1:
            os._exit(9)
        case "os._exit for ever":
            os._exit(9)
        case "close all files" if attempt == 1:
            os.closerange(3, 256)
        case _:
            pass
    return "good"


evil_thread = Flow[Evil]("evil_thread", max_attempts=1, base_delay=1, backoff="fixed", timeout=3)
evil_loop = Flow[Evil]("evil_loop", max_attempts=1, base_delay=1, backoff="fixed", timeout=3)


@evil_thread.step
def thread_deed(flow_input: Evil, ctx: Context) -> str:
    if flow_input["deed"] == "hang":
        until(flow_input["folder"], "never")
    return do_evil(flow_input["deed"], flow_input["folder"], ctx.step_task.attempt)


@evil_loop.step
async def loop_deed(flow_input: Evil, ctx: Context) -> str:
    if flow_input["deed"] == "hang":
        await asyncio.Event().wait()
    while flow_input["deed"] == "swallow":
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            continue
    return do_evil(flow_input["deed"], flow_input["folder"], ctx.step_task.attempt)


class Wait(TypedDict):
    folder: str
    name: str
    seconds: NotRequired[float]


slow = Flow[Wait]("slow", max_attempts=1, base_delay=1, timeout=60)


@slow.step
async def linger(flow_input: Wait, ctx: Context) -> int:
    """Begin, then wait for ``<name>.go``; the answer is the attempt."""
    folder, name = Path(flow_input["folder"]), flow_input["name"]
    (folder / f"{name}.begun.{ctx.step_task.attempt}").touch()
    while not (folder / f"{name}.go").exists():  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    return ctx.step_task.attempt
