"""``python leashed.py ARGUMENTS...``: mypy, which ends when its stdin does.

stdin is a pipe whose other end the build holds. However the build ends, also by SIGKILL, the system closes
it, and mypy does not go on for nobody. A script of its own: it runs without the compiler being imported.
"""

from __future__ import annotations

import os
import runpy
import threading


def _outlive(leash: int) -> None:
    while os.read(leash, 1):
        continue
    os._exit(1)


def main() -> None:
    leash = os.dup(0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    threading.Thread(target=_outlive, args=(leash,), daemon=True).start()
    runpy.run_module("mypy", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
