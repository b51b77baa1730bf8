"""Carrying out a plan: each file appears whole or not at all."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from pgflow_gen.write.errors import WriteError
from pgflow_gen.write.folders import Folders
from pgflow_gen.write.plan import Plan


def apply(plan: Plan) -> None:
    """Write what differs, delete what is left over and unedited, the manifest last.

    Raises WriteError when the disk refuses; files written before that are whole.
    """
    for change in plan.pending:
        if change.new is not None:
            write_file(plan.folders, change.path, change.new)
        elif not change.is_edited:
            with _told(change.path):
                place = plan.folders.locate(change.path)
                place.unlink(missing_ok=True)
                _prune(place.parent, plan.folders)


def write_file(folders: Folders, path: str, content: bytes) -> None:
    """Put ``content`` where ``path``, relative to the project, means. Raises WriteError."""
    with _told(path):
        _replace(folders.locate(path), content)


@contextlib.contextmanager
def _told(path: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise WriteError(
            f"{path} cannot be written: {error.strerror or error}",
            help="check the folder's permissions and the space on the disk, then build again",
        ) from error


def _replace(place: Path, content: bytes) -> None:
    """Through a temporary file in the same folder, which a rename makes the real one."""
    place.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{place.name}.", suffix=".tmp", dir=place.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.chmod(name, place.stat().st_mode & 0o777 if place.exists() else 0o666 & ~_umask())
        os.replace(name, place)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise


def _umask() -> int:
    """The process's umask: mkstemp ignores it, a file people commit should not."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _prune(folder: Path, folders: Folders) -> None:
    """Remove folders that a deletion left empty, up to the project."""
    while folder != folders.root:
        try:
            folder.rmdir()
        except OSError:
            return
        folder = folder.parent
