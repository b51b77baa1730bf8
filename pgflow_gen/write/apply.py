"""Carrying out a plan: each file appears whole or not at all."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pgflow_gen.write.errors import WriteError
from pgflow_gen.write.folders import Folders
from pgflow_gen.write.plan import Change, Plan


def apply(plan: Plan) -> None:
    """Write what differs, delete what is left over and unedited, the manifest last.

    All contents are on the disk before the first file is replaced. Raises WriteError when the disk refuses;
    files written before that are whole.
    """
    staged: list[tuple[Change, _Staged]] = []
    try:
        for change in plan.pending:
            if change.new is not None:
                with _told(change.path):
                    staged.append((change, _stage(plan.folders.locate(change.path), change.new)))
        waiting = iter(staged)
        for change in plan.pending:
            with _told(change.path):
                if change.new is not None:
                    next(waiting)[1].put()
                elif not change.is_edited:
                    place = plan.folders.locate(change.path)
                    place.unlink(missing_ok=True)
                    _prune(place.parent, plan.folders)
    except BaseException:
        for _, item in staged:
            item.drop()
        raise


def write_file(folders: Folders, path: str, content: bytes) -> None:
    """Put ``content`` where ``path``, relative to the project, means. Raises WriteError."""
    with _told(path):
        staged = _stage(folders.locate(path), content)
        try:
            staged.put()
        except BaseException:
            staged.drop()
            raise


@contextlib.contextmanager
def _told(path: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise WriteError(
            f"{path} cannot be written: {error.strerror or error}",
            help="check the folder's permissions and the space on the disk, then build again",
        ) from error


@dataclass(slots=True)
class _Staged:
    """A whole file beside the place it is meant for."""

    temporary: str
    place: str

    def put(self) -> None:
        os.replace(self.temporary, self.place)
        self.temporary = ""

    def drop(self) -> None:
        if self.temporary:
            with contextlib.suppress(OSError):
                os.unlink(self.temporary)


def _stage(place: Path, content: bytes) -> _Staged:
    """Write ``content`` into a new file in the same folder, which a rename will make the real one."""
    target = os.fspath(place)
    folder, _, name = target.rpartition(os.sep)
    temporary = f"{folder}{os.sep}.{name}.{secrets.token_hex(6)}.tmp"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)
    try:
        handle = os.open(temporary, flags, 0o666)
    except FileNotFoundError:
        place.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(temporary, flags, 0o666)
    staged = _Staged(temporary, target)
    try:
        try:
            view = memoryview(content)
            while view:
                view = view[os.write(handle, view) :]
        finally:
            os.close(handle)
        with contextlib.suppress(FileNotFoundError):
            os.chmod(temporary, os.stat(target).st_mode & 0o777)
    except BaseException:
        staged.drop()
        raise
    return staged


def _prune(folder: Path, folders: Folders) -> None:
    """Remove folders that a deletion left empty, up to the project."""
    while folder != folders.root:
        try:
            folder.rmdir()
        except OSError:
            return
        folder = folder.parent
