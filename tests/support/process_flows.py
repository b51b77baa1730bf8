"""Flows whose handlers run in processes of their own; the tests meet them through files."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TypedDict

from pgflow_runtime import Context, Flow


class Where(TypedDict):
    folder: str


facts = Flow[Where]("facts", executor="process")


class Facts(TypedDict):
    pid: int
    parent: int
    ids: dict[str, str | int]
    folder: str
    rows: int


@facts.step
def sync(ctx: Context, flow_input: Where) -> Facts:
    ctx.log.info("said by %s", "sync")
    with ctx.conn().cursor() as cursor:
        cursor.execute("insert into public.ledger values ('sync')")
        rows = cursor.rowcount
    return {
        "pid": os.getpid(),
        "parent": os.getppid(),
        "ids": ctx.step_task.ids,
        "folder": flow_input["folder"],
        "rows": rows,
    }


busy = Flow[Where]("busy", executor="process", max_attempts=1, timeout=3)


@busy.step
def spin(flow_input: Where) -> None:
    Path(flow_input["folder"], "spinning").write_text(str(os.getpid()))
    while True:
        time.monotonic()
