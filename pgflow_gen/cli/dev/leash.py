"""``python -m pgflow_gen.cli.dev.leash COMMAND...``: ``pgflow-gen COMMAND...`` that ends when its stdin does.

stdin is a pipe whose other end ``dev`` holds. However ``dev`` ends, also by SIGKILL, the system closes it,
and what ``dev`` started does not outlive it.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from typing import NoReturn

PATIENCE = 15.0
"""Seconds between the polite request to end and the end."""


def main() -> NoReturn:
    leash = os.dup(0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)  # a handler that reads stdin finds nothing, and takes nothing from us
    os.close(nothing)
    os.set_inheritable(leash, False)
    threading.Thread(target=_outlive, args=(leash,), daemon=True).start()
    from pgflow_gen.cli import main as command

    command()


def _outlive(leash: int) -> None:
    while os.read(leash, 1):
        continue
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(PATIENCE)
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
