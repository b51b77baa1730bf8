"""Flows whose handlers run in processes of their own; the tests meet them through files."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TypedDict

from pgflow_runtime import Again, Context, Flow, Resource

GIGABYTE = 1_000_000_000


class Where(TypedDict):
    folder: str


class Facts(TypedDict):
    pid: int
    parent: int
    ids: dict[str, str | int]
    folder: str
    rows: int
    env: str | None
    times_out_after: int
    files: list[str]


@contextmanager
def counted() -> Generator[list[int]]:
    yield []
    print("counter closed", flush=True)


@asynccontextmanager
async def pooled() -> AsyncGenerator[list[int]]:
    yield []
    print("pool closed", flush=True)


counter, pool = Resource(counted), Resource(pooled)
facts = Flow[Where]("facts", executor="process")


class Strange:
    """A value that does not travel."""

    def __reduce__(self) -> str:
        raise TypeError("cannot be pickled")

    def __str__(self) -> str:
        return "something strange"


@facts.step
def sync(ctx: Context, flow_input: Where) -> Facts:
    ctx.log.debug("not to be heard")
    ctx.log.info("said by %s", "sync", extra={"strange": Strange()})
    assert not ctx.cancelled.is_set()
    assert not ctx.shutdown.is_set()
    with ctx.conn().cursor() as cursor:
        cursor.execute("insert into public.ledger values ('sync')")
        rows = cursor.rowcount
    counter.get().append(1)
    print("printed there")
    return {
        "pid": os.getpid(),
        "parent": os.getppid(),
        "ids": ctx.step_task.ids,
        "folder": flow_input["folder"],
        "rows": rows,
        "env": ctx.env.get("PGFLOW_EXAMPLE"),
        "times_out_after": ctx.worker_config.executor_tasks,
        "files": sorted(os.readlink(f"/proc/self/fd/{name}") for name in own_files()),
    }


def own_files() -> list[str]:
    return [name for name in os.listdir("/proc/self/fd") if os.path.exists(f"/proc/self/fd/{name}")]


class Later(TypedDict):
    folder: str
    pooled: int
    pid: int


@facts.step
async def later(ctx: Context, sync: Facts) -> Later:
    connection = await ctx.aconn()
    await connection.execute("insert into public.ledger values ('later')")
    flow_input: Where = await ctx.aflow_input()
    entries = await pool.aget()
    entries.append(1)
    return {"folder": flow_input["folder"], "pooled": len(entries), "pid": os.getpid()}


@facts.step
async def last(ctx: Context, later: Later) -> int:
    (await pool.aget()).append(1)
    return len(await pool.aget())


@facts.step(transactional=True)
def beside(ctx: Context, later: Later) -> int:
    return os.getpid()


@facts.step(executor=None)
def here(sync: Facts) -> int:
    return os.getpid()


busy = Flow[Where]("busy", executor="process", max_attempts=1, timeout=3)


@busy.step
def spin(ctx: Context, flow_input: Where) -> None:
    # computes for a minute, longer than any test waits for its end: where a worker is killed, nobody ends it
    program = "import time\nend = time.monotonic() + 60\nwhile time.monotonic() < end: pass"
    child = subprocess.Popen([sys.executable, "-c", program])
    with ctx.conn().cursor() as cursor:
        cursor.execute("insert into public.ledger values ('never')")
        name = Path(flow_input["folder"], "spinning")
        name.with_suffix(".new").write_text(f"{os.getpid()} {child.pid}")
        name.with_suffix(".new").rename(name)
        while True:
            time.monotonic()


patient = Flow[list[str]]("patient", max_attempts=1, timeout=60)


@patient.map(executor="process")
def wait(ctx: Context, folder: str) -> int:
    """Waits for the file ``go``, and says when the worker stops."""
    Path(folder, f"waiting-{ctx.step_task.task_index}").touch()
    Path(folder, f"pid-{ctx.step_task.task_index}-{os.getpid()}").touch()
    while not Path(folder, "go").exists():
        time.sleep(0.01)
        if ctx.shutdown.is_set():
            Path(folder, "told").touch()
    return os.getpid()


ends = Flow[str]("ends", executor="process", max_attempts=1)


@ends.step
def end(ctx: Context, flow_input: str) -> int:
    match flow_input:
        case "log":
            try:
                raise ValueError("as an example")
            except ValueError:
                ctx.log.exception("with its error")
        case "exit":
            os._exit(3)
        case "leave":
            sys.exit("enough")
        case "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        case "crash":
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            os.kill(os.getpid(), signal.SIGSEGV)
        case "deaf":
            os.closerange(3, 100)
        case "memory":
            before = resource.getrlimit(resource.RLIMIT_AS)
            resource.setrlimit(resource.RLIMIT_AS, (2 * GIGABYTE, before[1]))
            try:
                return len(bytearray(8 * GIGABYTE))
            finally:
                resource.setrlimit(resource.RLIMIT_AS, before)
        case "raise":
            raise ValueError("no good")
        case "fork":
            if not os.fork():
                return 0  # comes back from the handler: it must not answer as well
            os.wait()
            return os.getpid()
    return os.getpid()


squares = Flow[int]("squares", executor="process")


@squares.array
def numbers(flow_input: int) -> list[int]:
    return list(range(flow_input))


class Square(TypedDict):
    pid: int
    square: int


@squares.map(array=numbers)
def square(number: int, flow_input: int) -> Square:
    return {"pid": os.getpid(), "square": number * number + flow_input}


class Round(TypedDict):
    pids: list[int]


@squares.loop(max_rounds=5)
def rounds(numbers: list[int], state: Round | None = None) -> Again[Round] | Round:
    pids = [*(state["pids"] if state is not None else []), os.getpid()]
    return {"pids": pids} if len(pids) == 3 else Again({"pids": pids})


slow = Flow[list[float]]("slow", executor="process", max_attempts=1, timeout=3)


@slow.map
def nap(seconds: float) -> int:
    time.sleep(seconds)
    return os.getpid()


plain = Flow[int]("plain")


@plain.step
def double(flow_input: int) -> int:
    return 2 * flow_input
