"""One ``dev`` per project: two would write the same files, and start a worker each for the other's builds."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pgflow_command.lazy import CommandFailure
from pgflow_gen.disk import Folder


@contextmanager
def only_one(root: Path) -> Iterator[None]:
    """Hold the project's lock, which the system drops with us. Raises CommandFailure if another holds it."""
    with Folder(root) as top, top.enter(".pgflow", make=True, mode=0o700) as own:
        with suppress(FileExistsError):
            own.create(".gitignore", b"*\n")
        lock = own.open("dev.lock", os.O_RDWR | os.O_CREAT)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise CommandFailure(
            f"another pgflow-gen dev is at work in {root}", "one is enough: end that one"
        ) from None
    finally:
        os.close(lock)
