"""A client that was connected before its process forked, as web servers do that load their program first."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import cast

from tests.support.project import clean_environment
from tests.support.worker_lab import Lab

SYNC = """
import json, os, sys
from generated.client import Client

client = Client.connect({dsn!r})
before = client.start_chain(1)
before.on("*", lambda event: None)  # a thread waits already


def use():
    run = client.start_chain(2)
    return [before.result(timeout=60)["third"], run.result(timeout=60)["third"]]


def told_by_child():
    reading, writing = os.pipe()
    if os.fork() == 0:
        os.write(writing, json.dumps(use()).encode())
        client.close()
        os._exit(0)
    os.close(writing)
    found = json.loads(os.fdopen(reading).read())
    os.wait()
    return found


print(json.dumps([told_by_child(), told_by_child(), use()]))
client.close()
"""

ASYNC = """
import asyncio, json, os
from generated.client import AsyncClient


async def main():
    client = await AsyncClient.connect({dsn!r})
    run = await client.start_chain(1)
    reading, writing = os.pipe()
    if os.fork() == 0:
        os.close(reading)
        said = []
        for use in (lambda: client.start_chain(2), lambda: run.result(timeout=60)):
            try:
                use().send(None)
            except StopIteration:
                said.append("no error")
            except Exception as error:
                said.append(type(error).__name__ + ": " + str(error))
        os.write(writing, json.dumps(said).encode())
        os._exit(0)
    os.close(writing)
    said = json.loads(os.fdopen(reading).read())
    os.wait()
    output = await run.result(timeout=60)
    await client.aclose()
    print(json.dumps([said, output["third"]]))


asyncio.run(main())
"""


def _run(lab: Lab, program: str) -> object:
    done = subprocess.run(
        [sys.executable, "-c", program.format(dsn=lab.dsn)],
        cwd=lab.project.root,
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return json.loads(done.stdout)


def test_a_sync_client_goes_on_in_children_and_in_their_parent(lab: Lab) -> None:
    with lab.worker("chain"):
        first, second = [2, 20], [3, 30]
        assert _run(lab, SYNC) == [[first, second]] * 3


def test_an_async_client_says_that_it_stays_with_its_event_loop(lab: Lab) -> None:
    with lab.worker("chain"):
        refusals, output = cast("tuple[list[str], object]", _run(lab, ASYNC))
        assert output == [2, 20]
        for refusal in refusals:
            assert refusal == "UsageError: this client was connected before its process was forked"
