"""A client as a process of its own: starts runs of the flow ``soak``, follows events, awaits their ends.

Runs are started with ids of their own, so that a start whose answer was lost is repeated without harm.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support.project import clean_environment
from tests.support.worker_lab import Lab

PROGRAM = """
import asyncio, json, sys
from uuid import UUID

from generated.client import AsyncClient
from pgflow_runtime.errors import ConnectionFailed, DatabaseError, RunFailed
from pgflow_runtime.database.store import is_passing

tell = lambda **what: print(json.dumps(what), flush=True)


async def until_it_works(call):
    for pause in [0.1] * 600:
        try:
            return await call()
        except (ConnectionFailed, DatabaseError) as error:
            if not is_passing(error):
                raise
            await asyncio.sleep(pause)
    raise TimeoutError


async def follow(client, run_id, order):
    run = await until_it_works(lambda: client.start_soak(order, run_id=UUID(run_id)))
    result = asyncio.create_task(outcome(run))
    events = [(event.event_type, getattr(event, "step_slug", None)) async for event in run.events()]
    tell(run=run_id, events=events)
    tell(run=run_id, **await result)


async def outcome(run):
    try:
        return {"output": await run.result(timeout=300)}
    except RunFailed as failure:
        return {"failed": failure.step_slug}


async def main():
    client = await until_it_works(lambda: AsyncClient.connect(sys.argv[1]).__aenter__())
    waiting = []
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while line := await lines.readline():
        run_id, order = json.loads(line)
        waiting.append(asyncio.create_task(follow(client, run_id, order)))
    await asyncio.gather(*waiting)
    tell(done=len(waiting))
    await client.aclose()


asyncio.run(main())
"""


class Watcher:
    """The process and what it has told."""

    def __init__(self, process: subprocess.Popen[str], log: Path) -> None:
        self._process = process
        self._log = log

    def start(self, runs: Sequence[tuple[str, dict[str, Any]]]) -> None:
        """Have it start and follow runs."""
        assert self._process.stdin is not None
        for run in runs:
            self._process.stdin.write(json.dumps(run) + "\n")
        self._process.stdin.flush()

    def finish(self, timeout: float) -> tuple[dict[str, list[tuple[str, str]]], dict[str, dict[str, Any]]]:
        """Wait until all its runs have ended; events and outcomes by run."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            code = self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"the client waits for ever:\n{self.errors}") from None
        assert code == 0, self.errors
        told = [json.loads(line) for line in self._log.read_text(encoding="utf-8").splitlines()]
        events = {
            item["run"]: [tuple(event) for event in item["events"]] for item in told if "events" in item
        }
        outcomes = {item["run"]: item for item in told if "output" in item or "failed" in item}
        return events, outcomes

    @property
    def errors(self) -> str:
        return self._log.with_suffix(".err").read_text(encoding="utf-8")

    def clear_away(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()


@contextmanager
def watcher(lab: Lab, dsn: str | None = None) -> Iterator[Watcher]:
    log = lab.folder / "watcher.out"
    with log.open("w") as out, log.with_suffix(".err").open("w") as err:
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, dsn or lab.dsn],
            cwd=lab.project.root,
            env=clean_environment(),
            stdin=subprocess.PIPE,
            stdout=out,
            stderr=err,
            text=True,
        )
    found = Watcher(process, log)
    try:
        yield found
    finally:
        found.clear_away()
