"""One ``dev`` per project: two would write the same files, and start a worker each for the other's builds."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pgflow_gen.cli.lazy import CommandFailure


@contextmanager
def only_one(root: Path) -> Iterator[None]:
    """Hold the project's lock, which the system drops with us. Raises CommandFailure if another holds it."""
    folder = root / ".pgflow"
    folder.mkdir(exist_ok=True)
    ignore = folder / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n", encoding="utf-8")
    lock = os.open(folder / "dev.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise CommandFailure(
            f"another pgflow-gen dev is at work in {root}", "one is enough: end that one"
        ) from None
    finally:
        os.close(lock)
