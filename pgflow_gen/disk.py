"""The one careful writer: files below a folder, reached through no link, whole or not at all.

A repository is somebody else's until one has read it, and may hold links where we write. So every folder on
the way is entered by a handle of the one before, no link is followed, and new files get names that nobody can
foresee.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from types import TracebackType

_BY_HANDLE = os.open in os.supports_dir_fd and hasattr(os, "O_NOFOLLOW")
"""Elsewhere (Windows) folders are looked at by their path."""
_FOLDER = getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
_PLAIN = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _PLAIN


class Folder:
    """A folder that is open. ``with Folder(path) as root, root.enter("a") as inside: ...``.

    All methods raise OSError; a link in the place of a folder or file is one.
    """

    def __init__(self, path: str | os.PathLike[str], handle: int | None = None) -> None:
        """Without a ``handle``, ``path`` is opened as it is: the way there is the caller's."""
        self.path = os.fspath(path)
        if handle is None and _BY_HANDLE:
            handle = os.open(self.path, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0))
        self._handle = handle

    def __enter__(self) -> Folder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        handle, self._handle = self._handle, None
        if handle is not None:
            os.close(handle)

    def enter(self, name: str, *, make: bool = False, mode: int = 0o777) -> Folder:
        """The folder ``name`` in this one, made if it is not there."""
        if make:
            with contextlib.suppress(FileExistsError):
                os.mkdir(self._at(name), mode, dir_fd=self._handle)
        if self._handle is None:
            if not stat.S_ISDIR(self.stat(name).st_mode):
                raise NotADirectoryError(20, "not a folder", self._whole(name))
            return Folder(self._whole(name))
        return Folder(self._whole(name), os.open(name, os.O_RDONLY | _FOLDER, dir_fd=self._handle))

    def own_stat(self) -> os.stat_result:
        return os.fstat(self._handle) if self._handle is not None else os.lstat(self.path)

    def stat(self, name: str) -> os.stat_result:
        """Of what is there itself, be it a link."""
        return os.stat(self._at(name), dir_fd=self._handle, follow_symlinks=False)

    def names(self) -> list[str]:
        return os.listdir(self.path if self._handle is None else self._handle)

    def open(self, name: str, flags: int, mode: int = 0o600) -> int:
        """A handle of the file itself."""
        if self._handle is None and os.path.islink(self._at(name)):
            raise OSError(40, "is a symbolic link", self._whole(name))
        return os.open(self._at(name), flags | _PLAIN, mode, dir_fd=self._handle)

    def read(self, name: str) -> bytes:
        handle = self.open(name, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
        with os.fdopen(handle, "rb") as file:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise OSError(22, "not a file", self._whole(name))
            return file.read()

    def create(self, name: str, content: bytes, mode: int = 0o666) -> None:
        """A new file; raises FileExistsError where there is anything."""
        _fill(self.open(name, _NEW, mode), content)

    def write(self, name: str, content: bytes, mode: int = 0o666) -> None:
        """``content`` in place of what is there."""
        staged = self.stage(name, content, mode)
        try:
            staged.put()
        except BaseException:
            staged.drop()
            raise

    def stage(self, name: str, content: bytes, mode: int = 0o666) -> Staged:
        """``content`` in a new file beside its place, with the permissions of what is there."""
        staged = Staged(self, f".{name}.{os.urandom(8).hex()}.tmp", name)
        handle = self.open(staged.temporary, _NEW, mode)
        try:
            with contextlib.suppress(FileNotFoundError):
                there = self.stat(name)
                if stat.S_ISREG(there.st_mode) and hasattr(os, "fchmod"):
                    os.fchmod(handle, there.st_mode & 0o777)
            _fill(handle, content)
        except BaseException:
            staged.drop()
            raise
        return staged

    def rename(self, old: str, new: str) -> None:
        os.replace(self._at(old), self._at(new), src_dir_fd=self._handle, dst_dir_fd=self._handle)

    def remove(self, name: str) -> None:
        """A file, or a link itself."""
        os.unlink(self._at(name), dir_fd=self._handle)

    def remove_folder(self, name: str) -> None:
        """An empty one."""
        os.rmdir(self._at(name), dir_fd=self._handle)

    def clear(self) -> None:
        """Remove all that is in the folder, itself left out."""
        for name in self.names():
            if stat.S_ISDIR(self.stat(name).st_mode):
                with self.enter(name) as inside:
                    inside.clear()
                self.remove_folder(name)
            else:
                self.remove(name)

    def links(self) -> Iterator[str]:
        """Names of links in the folder and below."""
        with os.scandir(self.path if self._handle is None else self._handle) as items:
            below = []
            for item in items:
                if item.is_symlink():
                    yield item.name
                elif item.is_dir(follow_symlinks=False):
                    below.append(item.name)
        for name in below:
            with self.enter(name) as inside:
                yield from inside.links()

    def tighten(self, mode: int) -> None:
        """Take from others what ``mode`` does not give them."""
        if hasattr(os, "fchmod") and self._handle is not None and self.own_stat().st_mode & 0o777 & ~mode:
            os.fchmod(self._handle, mode)

    def _at(self, name: str) -> str:
        return name if self._handle is not None else self._whole(name)

    def _whole(self, name: str) -> str:
        return os.path.join(self.path, name)


class Staged:
    """A whole file beside the place it is meant for."""

    __slots__ = ("_folder", "_name", "temporary")

    def __init__(self, folder: Folder, temporary: str, name: str) -> None:
        self._folder = folder
        self._name = name
        self.temporary = temporary

    def put(self) -> None:
        self._folder.rename(self.temporary, self._name)
        self.temporary = ""

    def drop(self) -> None:
        if self.temporary:
            with contextlib.suppress(OSError):
                self._folder.remove(self.temporary)


def _fill(handle: int, content: bytes) -> None:
    """Write all of it, and close."""
    try:
        view = memoryview(content)
        while view:
            view = view[os.write(handle, view) :]
    finally:
        os.close(handle)
