"""What a forked child gets of ours: nothing.

Handlers may fork: ``multiprocessing``, ``os.fork``, ``subprocess`` with ``preexec_fn``. The child is a copy
of this process, with its open files and signal actions, but without its threads. It must neither keep a
connection, a lock or a port alive that it knows nothing of, nor speak in our name. Programs that are
executed get nothing anyway: all our files are closed then.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import NoReturn, Protocol
from weakref import WeakSet


class HasFile(Protocol):
    def fileno(self) -> int: ...


class HasForked(Protocol):
    def forked(self) -> None: ...


class OpenFile:
    """Something else's file, for ``keep``: ``fileno`` says which one, or raises once it is closed."""

    def __init__(self, fileno: Callable[[], int]) -> None:
        self._fileno = fileno

    def fileno(self) -> int:
        return self._fileno()


_files: WeakSet[HasFile] = WeakSet()
_listeners: WeakSet[HasForked] = WeakSet()
_masks = threading.local()


def keep(file: HasFile) -> None:
    """Keep a file from forked children, as long as the object lives; one that is closed is passed over."""
    _files.add(file)


def tell(listener: HasForked) -> None:
    """Have ``forked`` called in each forked child, as long as the object lives."""
    _listeners.add(listener)


def leave(error: BaseException | None = None) -> NoReturn:
    """End a forked child that came back from a handler, as Python would have ended it."""
    code = 0
    if isinstance(error, SystemExit):
        code = error.code if isinstance(error.code, int) else int(error.code is not None)
    elif error is not None:
        code = 1
        traceback.print_exception(error)
    end(code)


def end(code: int) -> NoReturn:
    """End this process at once, but for what was printed; no thread or exit handler is waited for."""
    flush()
    os._exit(code & 0xFF)


def flush() -> None:
    """Let out what was printed."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(Exception):
            stream.flush()


def end_children(patience: float = 2.0) -> None:
    """End what handlers began with ``multiprocessing`` and left behind; nobody waits for them any more."""
    multiprocessing = sys.modules.get("multiprocessing")
    if multiprocessing is None:
        return
    children = multiprocessing.active_children()
    for child in children:
        child.terminate()
    for child in children:
        child.join(patience)
        if child.is_alive():
            child.kill()


@contextmanager
def only_here() -> Iterator[None]:
    """For an event loop's life: a forked child that comes back to the loop ends instead of working on."""
    pid = os.getpid()
    try:
        yield
    finally:
        if os.getpid() != pid:
            print(
                "a child that an async handler forked came back to the worker's event loop, and ends here:"
                " end it with os._exit(), or let multiprocessing fork",
                file=sys.stderr,
            )
            end(1)


def _forked() -> None:
    """In the child: put nothing in the place of our files, so that their numbers stay taken."""
    nothing = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    for file in list(_files):
        with suppress(Exception):  # closed, or lost
            number = file.fileno()
            if number > 2:
                os.dup2(nothing, number, inheritable=False)
    os.close(nothing)
    _files.clear()
    for listener in list(_listeners):
        listener.forked()
    _unmask()


def _mask() -> None:
    """No signal reaches the child before its actions are its own: Python would forget it."""
    if _listeners:
        _masks.before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGTERM, signal.SIGINT))


def _unmask() -> None:
    before = getattr(_masks, "before", None)
    if before is not None:
        _masks.before = None
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(before=_mask, after_in_parent=_unmask, after_in_child=_forked)
