"""As process 1 of a container, where no init is: signals are passed on and orphans are reaped.

The kernel ignores signals that process 1 has no handler for, and gives it every process whose parent has
ended. So the command itself runs in a child, and this process does nothing but what init would.
"""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from types import FrameType

_NAMES = ("SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGWINCH")


def stand_in_for_init() -> None:
    """Return in the process that is to run the command; in process 1 end with that one, in the same way."""
    if os.getpid() != 1 or sys.platform == "win32":
        return
    passed_on = [getattr(signal, name) for name in _NAMES]
    before = signal.pthread_sigmask(signal.SIG_BLOCK, passed_on)
    child = os.fork()
    if child == 0:
        os.setsid()  # what the terminal sends, process 1 passes on: it is not to come twice
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        return

    def pass_on(number: int, _frame: FrameType | None) -> None:
        with suppress(ProcessLookupError):
            os.kill(child, number)

    for number in passed_on:
        signal.signal(number, pass_on)
    signal.pthread_sigmask(signal.SIG_SETMASK, before)
    os._exit(_reap_until_end_of(child))


def _reap_until_end_of(child: int) -> int:
    """Its exit code, or 128 and the number of the signal that ended it, as shells have it."""
    while True:
        pid, status = os.wait()
        if pid == child:
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else 128 - code
