"""A process for handlers, begun by ``start_child.py``: one task after the other, in its main thread.

It ends when its worker says so, and when its worker is gone, whatever a handler is at. Handlers and what they
start get nothing of ours.
"""

from __future__ import annotations

import ctypes
import errno
import logging
import os
import signal
import socket
import sys
import threading
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from types import FrameType
from typing import Any, Final, NoReturn

from pgflow_runtime import forks
from pgflow_runtime.dsl.context import Shutdown
from pgflow_runtime.errors import PgflowError
from pgflow_runtime.worker import logs
from pgflow_runtime.worker.executors import records, there
from pgflow_runtime.worker.executors.frames import frame, receive
from pgflow_runtime.worker.executors.messages import BEGUN, END, LOG, READY, RESULT, SHUTDOWN, Order
from pgflow_runtime.worker.executors.packed import PackedTask
from pgflow_runtime.worker.protocol.failure import headline

_PARENT_DEATH: Final = 1
"""Linux: ``PR_SET_PDEATHSIG``."""
_FIRST_TO_GO: Final = "500"
"""Where memory runs out, the system ends this process rather than the worker."""
_ACTIONS: Final[dict[int, Any]] = {signal.SIGTERM: signal.SIG_DFL, signal.SIGINT: signal.default_int_handler}
"""What Python does with them by itself."""


def main(fd: int) -> NoReturn:
    """Work, and end the process."""
    connection = socket.socket(fileno=fd)
    try:
        order: Order = receive(connection)
    except EOFError:  # the worker is gone
        forks.end(1)
    line = WorkerLine(connection, order)
    _end_with(order.worker_pid)
    sys.path[:] = order.path
    os.environ.update(order.environment)
    records.hand_over(order.levels, line.send_record)
    try:
        for step in order.steps:
            there.bound_step(*step)
    except Exception as error:
        line.send(READY, str(error) if isinstance(error, PgflowError) else headline(error))
        forks.end(1)
    shutdown = Shutdown()
    tasks: SimpleQueue[PackedTask | None] = SimpleQueue()
    threading.Thread(target=_hear, args=(line, tasks, shutdown), daemon=True).start()
    line.send(READY, None)
    while (task := tasks.get()) is not None:
        line.send(BEGUN, None)
        result = there.run_packed(task, shutdown)
        forks.flush()
        line.send(RESULT, result)
    there.close()
    forks.end_children()
    forks.end(0)


class WorkerLine:
    """To the worker; any thread may send."""

    def __init__(self, connection: socket.socket, order: Order) -> None:
        self.socket = connection
        self._order = order
        self._lock = threading.Lock()
        connection.set_inheritable(False)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, _ignored)
        forks.keep(connection)
        forks.tell(self)

    def send(self, kind: str, value: object) -> None:
        data = frame((kind, value))
        try:
            with self._lock:
                self.socket.sendall(data)
        except OSError as error:  # the worker is gone, unless a handler has closed what it did not open
            if error.errno == errno.EBADF:
                print("a handler has closed the line to its worker", file=sys.stderr)
            forks.end(1)

    def send_record(self, fields: dict[str, Any]) -> None:
        self.send(LOG, fields)

    def forked(self) -> None:
        """A child of a handler speaks for itself, and ends when it is told to."""
        for number in (signal.SIGTERM, signal.SIGINT):
            if signal.getsignal(number) == _ignored:
                signal.signal(number, _ACTIONS[number])
        logging.getLogger().handlers.clear()
        logs.set_up(self._order.log_format, self._order.log_level)


def _ignored(_number: int, _frame: FrameType | None) -> None:
    """Whoever stops a whole group of processes stops the worker, which lets handlers end.

    No ``SIG_IGN``, which programs that handlers start would inherit.
    """


def _hear(line: WorkerLine, tasks: SimpleQueue[PackedTask | None], shutdown: Shutdown) -> None:
    """What the worker says, and that it is gone."""
    try:
        while True:
            match receive(line.socket):
                case PackedTask() as task:
                    tasks.put(task)
                case word if word == SHUTDOWN:
                    shutdown.set()
                case word if word == END:
                    tasks.put(None)
                    return
    except BaseException:  # the end of the line, or of memory for what comes
        os._exit(1)


def _end_with(worker_pid: int) -> None:
    """Have the system end this process with its worker; the line's end does so, too, unless a handler keeps
    all threads waiting."""
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(_FIRST_TO_GO)
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PARENT_DEATH, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != worker_pid:  # it was gone before that was said
            os._exit(1)
