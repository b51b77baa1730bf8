"""Files in folders that others may have had their hands in: no link is followed, no name can be foreseen."""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pgflow_runtime.errors import ProjectError

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
Owner = tuple[int, int]
"""A user's id and a group's."""


@contextmanager
def entered(folder: Path) -> Iterator[int]:
    """A handle of the folder itself. Raises ProjectError where that is a link, or no folder."""
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        is_link = folder.is_symlink()
        raise ProjectError(
            f"{folder} is a symbolic link, which the embedded server does not follow"
            if is_link
            else f"the embedded server's folder {folder} cannot be used: {error.strerror}",
            help="remove the link" if is_link else "move it away, or name a server with --dsn",
        ) from None
    try:
        yield handle
    finally:
        os.close(handle)


def put(folder: int, name: str, content: str, owner: Owner | None = None) -> None:
    """A whole file in place of what is there, readable by its owner (default: us) alone."""
    temporary = f".{name}.{secrets.token_hex(8)}"
    handle = os.open(temporary, _NEW, 0o600, dir_fd=folder)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            if owner is not None:
                os.fchown(handle, *owner)
            file.write(content)
        os.replace(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary, dir_fd=folder)
        raise


def new(folder: int, name: str) -> int:
    """A handle of a new, empty file in place of what is there."""
    with suppress(FileNotFoundError):
        os.unlink(name, dir_fd=folder)
    return os.open(name, _NEW, 0o600, dir_fd=folder)


def read(folder: int, name: str, owner: int) -> str | None:
    """What ``owner`` (a user's id) wrote there; None where that is no file of theirs."""
    try:
        handle = os.open(name, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
    except OSError:
        return None
    with os.fdopen(handle, encoding="utf-8", errors="replace") as file:
        status = os.fstat(handle)
        is_theirs = stat.S_ISREG(status.st_mode) and status.st_uid == owner
        return file.read() if is_theirs else None


def drop_link(folder: int, name: str) -> None:
    """Remove what is there unless it is a file that has no other name."""
    try:
        status = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return
    if not stat.S_ISREG(status.st_mode) or status.st_nlink > 1:
        os.unlink(name, dir_fd=folder)
