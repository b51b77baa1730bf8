"""A transactional step that can be undone, and an end."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TypedDict

from pgflow_runtime import Flow, RunEnd


class Transfer(TypedDict):
    folder: str


transfer = Flow[Transfer]("transfer", max_attempts=1, timeout=600)


def note(transfer: Transfer, *what: object) -> None:
    with (Path(transfer["folder"]) / "done.jsonl").open("a") as file:
        file.write(json.dumps(what) + "\n")


@transfer.step(transactional=True)
def debit(flow_input: Transfer) -> int:
    folder = Path(flow_input["folder"])
    (folder / "debit.begun").touch()
    while not (folder / "debit.go").exists():
        time.sleep(0.02)
    return 7


@transfer.undo(debit)
def credit(debit: int, flow_input: Transfer) -> None:
    note(flow_input, "credit", debit)


@transfer.end()
def report(run_end: RunEnd, flow_input: Transfer) -> None:
    note(flow_input, "report", run_end["undone"])
