"""``python -m benchmarks.keeper FOLDER [HOST...]``: clears a server away, with its users, once stdin ends.

Whoever runs a server holds the other end of stdin, so this happens also when that process is killed. Workers
and drivers are known by the folder in their arguments, where it is part of the server's address, or as the
place they work in. Hosts are the network namespaces that were made for them.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from benchmarks.hosts import remove

STDIN = 0
PATIENCE = 30.0
"""Seconds until processes that were told to end are killed."""


def main() -> None:
    folder = Path(sys.argv[1])
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    while os.read(STDIN, 1):
        continue
    clear(folder)
    remove(sys.argv[2:])


def clear(folder: Path) -> None:
    """End everybody who has to do with the server in ``folder``, then it, and remove the folder."""
    for process in users(folder):
        _send(process, signal.SIGKILL)
    server = postmaster(folder)
    if server is not None:
        _send(server, signal.SIGQUIT)  # at once: nothing has to be written back
        _, alive = psutil.wait_procs([server], timeout=PATIENCE)
        for process in alive:
            _send(process, signal.SIGKILL)
    shutil.rmtree(folder, ignore_errors=True)


def users(folder: Path) -> list[psutil.Process]:
    """Processes that were given the folder's path in an argument, or work in it; none above this one."""
    own = psutil.Process()
    spared = {own.pid, *(parent.pid for parent in own.parents())}
    found = []
    for process in psutil.process_iter(["cmdline"]):
        arguments = (process.info["cmdline"] or [])[1:]
        if process.pid in spared:
            continue
        if any(str(folder) in argument for argument in arguments) or _works_in(process, folder / "work"):
            found.append(process)
    return found


def _works_in(process: psutil.Process, folder: Path) -> bool:
    """Where the server is reached by TCP, its folder is in nobody's arguments."""
    try:
        return Path(process.cwd()).is_relative_to(folder)
    except (OSError, psutil.Error):
        return False


def postmaster(folder: Path) -> psutil.Process | None:
    """The server on this folder's data, if one runs."""
    try:
        process = psutil.Process(int((folder / "data" / "postmaster.pid").read_text().split()[0]))
        return process if Path(process.cwd()).samefile(folder / "data") else None
    except (OSError, ValueError, IndexError, psutil.Error):
        return None


def _send(process: psutil.Process, number: signal.Signals) -> None:
    try:
        process.send_signal(number)
    except psutil.Error:
        return  # it has just ended


if __name__ == "__main__":
    main()
