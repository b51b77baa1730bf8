"""Carrying out a plan: each file appears whole or not at all."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator

from pgflow_gen.disk import Folder, Staged
from pgflow_gen.write.errors import WriteError
from pgflow_gen.write.folders import Folders
from pgflow_gen.write.plan import Change, Plan


def apply(plan: Plan) -> None:
    """Write what differs, delete what is left over and unedited, the manifest last.

    All contents are on the disk before the first file is replaced. Raises WriteError when the disk refuses;
    files written before that are whole.
    """
    with _Open(plan.folders) as folders:
        staged: list[tuple[Change, Staged]] = []
        try:
            for change in plan.pending:
                if change.new is not None:
                    with _told(change.path):
                        staged.append((change, folders.stage(change.path, change.new)))
            waiting = iter(staged)
            for change in plan.pending:
                with _told(change.path):
                    if change.new is not None:
                        next(waiting)[1].put()
                    elif not change.is_edited:
                        folders.remove(change.path)
        except BaseException:
            for _, item in staged:
                item.drop()
            raise


def write_file(folders: Folders, path: str, content: bytes) -> None:
    """Put ``content`` where ``path``, relative to the project, means. Raises WriteError."""
    with _told(path), _Open(folders) as places:
        staged = places.stage(path, content)
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


class _Open(contextlib.ExitStack):
    """The folders that files go into, each entered once."""

    def __init__(self, folders: Folders) -> None:
        super().__init__()
        self._folders = folders
        self._entered: dict[str, Folder] = {}

    def stage(self, path: str, content: bytes) -> Staged:
        folder, name = self._of(path, make=True)
        return folder.stage(name, content)

    def remove(self, path: str) -> None:
        """Also the folders that this leaves empty, up to the project."""
        with contextlib.suppress(FileNotFoundError):
            folder, name = self._of(path, make=False)
            folder.remove(name)
        inside = path.split("/")[:-1]
        while inside:
            name = inside.pop()
            try:
                self._at("/".join(inside), make=False).remove_folder(name)
            except OSError as error:
                if error.errno != errno.ENOENT:
                    return

    def _of(self, path: str, *, make: bool) -> tuple[Folder, str]:
        self._folders.locate(path)  # which says in words what is in the way
        inside, _, name = path.rpartition("/")
        return self._at(inside, make=make), name

    def _at(self, inside: str, *, make: bool) -> Folder:
        found = self._entered.get(inside)
        if found is None:
            if inside:
                parent, _, name = inside.rpartition("/")
                found = self._at(parent, make=make).enter(name, make=make)
            else:
                found = Folder(self._folders.root)
            self._entered[inside] = self.enter_context(found)
        return found
