"""Flows whose handlers have children: forked, spawned and executed ones."""

import asyncio
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NotRequired, TypedDict

from pgflow_runtime import Context, Flow, JsonValue

LISTING = """
import json, os
print(json.dumps([os.readlink(f"/proc/self/fd/{n}") for n in os.listdir("/proc/self/fd") if int(n) > 2
                  and os.path.exists(f"/proc/self/fd/{n}") or n == "0"]))
"""


def square(n: int) -> int:
    return n * n


pooled = Flow[int]("pooled", max_attempts=1)


@pooled.array
def elements(flow_input: int) -> list[int]:
    return list(range(flow_input))


@pooled.map(array=elements)
def spread(n: int) -> int:
    """The way of a program that knows nothing of workers."""
    with multiprocessing.Pool(2) as pool:
        return sum(pool.map(square, range(n, n + 4)))


@pooled.step
def spawned(flow_input: int) -> int:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return sum(pool.map(square, range(flow_input)))


class Asked(TypedDict):
    what: str
    folder: NotRequired[str]


def told_by_child(tell: Callable[[], JsonValue]) -> JsonValue:
    """What a forked child found out."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        try:
            answer = tell()
        except Exception as error:
            answer = f"{type(error).__name__}: {error}"
        os.write(writing, json.dumps(answer).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        said = pipe.read()
    os.waitpid(child, 0)
    found: JsonValue = json.loads(said)
    return found


def actions() -> JsonValue:
    names = {signal.SIG_DFL: "default", signal.default_int_handler: "default"}
    found = [names.get(signal.getsignal(number), "other") for number in (signal.SIGTERM, signal.SIGINT)]
    return [*found, signal.set_wakeup_fd(-1)]


def files() -> JsonValue:
    """Sockets, pipes and locks this process has: its own pipe is the only one it should."""
    folder = "/proc/self/fd"
    links = [
        os.readlink(f"{folder}/{n}") for n in os.listdir(folder) if int(n) > 2 and lives(f"{folder}/{n}")
    ]
    return [*sorted(links)]


def lives(path: str) -> bool:
    try:
        os.readlink(path)
    except OSError:
        return False
    return True


def ended_by(number: int) -> int:
    """How a child ends that got a signal: minus its number, or its exit code."""
    child = os.fork()
    if child == 0:
        time.sleep(60)
        os._exit(99)
    os.kill(child, number)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def logged(ctx: Context) -> JsonValue:
    ctx.log.warning("a word from a child")
    return "said"


def listing() -> JsonValue:
    done = subprocess.run(
        [sys.executable, "-c", LISTING],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        close_fds=False,
        check=True,
    )
    found: JsonValue = json.loads(done.stdout)
    return found


def with_preexec() -> JsonValue:
    done = subprocess.run(["true"], preexec_fn=os.getpid, check=False)
    return done.returncode


def read_stdin() -> JsonValue:
    return subprocess.run(["cat"], stdout=subprocess.PIPE, text=True, check=True).stdout


def server_process(ctx: Context) -> int:
    (found,) = ctx.conn().execute("select pg_backend_pid()").fetchall()
    return int(found[0])


def with_connection(ctx: Context) -> JsonValue:
    """The connection lives on, whatever a child does with what it was born with."""
    connection = ctx.conn()
    before = server_process(ctx)
    answers = [told_by_child(lambda: server_process(ctx)), told_by_child(lambda: connection.close())]
    return [*answers, server_process(ctx) == before]


def answer(what: str, ctx: Context) -> JsonValue:
    match what:
        case "actions":
            return told_by_child(actions)
        case "files":
            return told_by_child(files)
        case "terminated":
            return [ended_by(signal.SIGTERM), ended_by(signal.SIGKILL)]
        case "log":
            return told_by_child(lambda: logged(ctx))
        case "flow input":
            return told_by_child(lambda: ctx.flow_input())
        case "executed":
            return listing()
        case "preexec":
            return with_preexec()
        case "stdin":
            return read_stdin()
        case "connection":
            return with_connection(ctx)
        case _:
            raise ValueError(what)


curious = Flow[Asked]("curious", max_attempts=1)


@curious.step
def thread(flow_input: Asked, ctx: Context) -> JsonValue:
    return answer(flow_input["what"], ctx)


@curious.step
async def loop(flow_input: Asked, thread: JsonValue, ctx: Context) -> JsonValue:
    """After the other, whose pipe is no file of this one's child."""
    return answer(flow_input["what"], ctx)


@curious.step
def both(thread: JsonValue, loop: JsonValue) -> list[JsonValue]:
    return [thread, loop]


asking = Flow[str]("asking", max_attempts=1)


@asking.array
def one(flow_input: str) -> list[str]:
    return [flow_input]


@asking.map(array=one)
def what(word: str, ctx: Context) -> JsonValue:
    """Of a map's task the flow's input is not brought along."""
    return answer(word, ctx)


@asking.step
def ask(what: list[JsonValue]) -> JsonValue:
    return what[0]


ending = Flow[str]("ending", max_attempts=1)


def code_of(child: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@ending.step
def comes_back(flow_input: str) -> int:
    """A child that does not end by itself ends with what its handler says."""
    child = os.fork()
    if child == 0:
        if flow_input == "exit":
            sys.exit(3)
        if flow_input == "error":
            raise ValueError("of the child")
        return -1
    return code_of(child)


@ending.step
async def comes_back_async(flow_input: str, comes_back: int) -> int:
    child = os.fork()
    if child == 0:
        if flow_input == "await":
            await asyncio.sleep(0)
        if flow_input == "exit":
            sys.exit(3)
        if flow_input == "error":
            raise ValueError("of the child")
        return -1
    return await asyncio.to_thread(code_of, child)


@ending.step
def codes(comes_back: int, comes_back_async: int) -> list[int]:
    return [comes_back, comes_back_async]


class Left(TypedDict):
    folder: str
    how: str


leaving = Flow[Left]("leaving", max_attempts=3, base_delay=1)


def sleep_on(folder: str) -> None:
    (Path(folder) / "child").write_text(str(os.getpid()))
    time.sleep(600)


def leave_child(asked: Left) -> None:
    """Begin a process that goes on by itself."""
    folder = asked["folder"]
    match asked["how"]:
        case "fork":
            if os.fork() == 0:
                sleep_on(folder)
                os._exit(0)
        case "program":
            process = subprocess.Popen(["sleep", "600"], close_fds=False)
            (Path(folder) / "child").write_text(str(process.pid))
        case "multiprocessing":
            multiprocessing.get_context("fork").Process(target=sleep_on, args=(folder,)).start()
        case _:
            raise ValueError(asked)
    deadline = time.monotonic() + 30
    while not (Path(folder) / "child").exists():
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(0.005)


@leaving.step
def leave(flow_input: Left) -> int:
    leave_child(flow_input)
    return os.getpid()


waiting = Flow[Left]("waiting", max_attempts=3, base_delay=1)


@waiting.step
def wait_for_pool(flow_input: Left) -> int:
    with multiprocessing.get_context("fork").Pool(2) as pool:
        pool.map(sleep_on, [flow_input["folder"]] * 2)
    return 0
