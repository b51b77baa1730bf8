"""Processes: how they ended, and how they do not outlive the one that started them."""

from __future__ import annotations

import os
import signal
import threading
import time


def signal_name(number: int) -> str:
    """``SIGKILL`` for 9; ``signal 40`` for those that have no name of their own."""
    return signal.Signals(number).name if number in set(signal.Signals) else f"signal {number}"


def exit_with_parent(patience: float = 0.0) -> None:
    """End this process once the other end of its stdin is closed; call it before anything reads stdin.

    stdin is a pipe whose other end the parent holds. However the parent ends, also by SIGKILL, the system
    closes it. With ``patience`` the process is asked by SIGTERM first, that many seconds before its end.
    What reads stdin afterwards finds nothing.
    """
    pipe = os.dup(0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.set_inheritable(pipe, False)
    threading.Thread(target=_exit_after, args=(pipe, patience), daemon=True).start()


def _exit_after(pipe: int, patience: float) -> None:
    while os.read(pipe, 1):
        continue
    if patience:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(patience)
    os._exit(1)
