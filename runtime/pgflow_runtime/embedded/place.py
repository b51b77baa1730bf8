"""Where a project's embedded server lives, and as whom it runs."""

from __future__ import annotations

import hashlib
import os
import pwd
import re
import shutil
import stat
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from pgflow_runtime.errors import ProjectError

DATA = "data"
"""Name of the data folder within a server's folder."""
PORT = 5432
SOCKET_NAME = f".s.PGSQL.{PORT}"
LONGEST_SOCKET = 103
"""Bytes a unix socket's path may have on every system (Linux allows 107)."""

_SERVICE_USERS = ("pgserver", "postgres")


@dataclass(frozen=True, slots=True)
class Place:
    """Folders of one server. ``user`` is who runs it when we are root, else None."""

    folder: Path
    sockets: Path
    user: str | None
    programs: Path | None
    """Where root may copy PostgreSQL's programs to."""

    @property
    def data(self) -> Path:
        return self.folder / DATA

    @property
    def log(self) -> Path:
        return self.folder / "postgres.log"


def place_of(project: Path) -> Place:
    """The place of a project's server, its folders made.

    A normal user's is ``.pgflow/`` in the project. PostgreSQL refuses to run as root, so there a service
    user runs it, who must not need a way through root's folders: the place lies under /var/lib/pgflow-gen,
    or under the temporary folder. Raises ProjectError when a folder cannot be made.
    """
    project = project.resolve()
    try:
        return _for_root(project) if os.geteuid() == 0 else _for_user(project)
    except OSError as error:
        raise ProjectError(
            f"the embedded server needs a folder that cannot be made: {error}",
            help="make it writable, or name a server with --dsn",
        ) from error


def _for_user(project: Path) -> Place:
    folder = project / ".pgflow"
    folder.mkdir(exist_ok=True)
    ignore = folder / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n", encoding="utf-8")
    return Place(folder, _sockets(folder, project), None, None)


def _for_root(project: Path) -> Place:
    user = service_user()
    base = _base()
    folder = base / f"{_readable(project.name)}-{_short_hash(project)}"
    if not folder.exists():
        folder.mkdir(mode=0o700)
    entry = pwd.getpwnam(user)
    os.chown(folder, entry.pw_uid, entry.pw_gid)
    return Place(folder, folder, user, base)


def _base() -> Path:
    """A folder of root's own that others may walk through."""
    for parent in (Path("/var/lib"), Path(tempfile.gettempdir())):
        base = parent / "pgflow-gen"
        try:
            base.mkdir(mode=0o755, exist_ok=True)
        except OSError:
            continue
        status = base.lstat()
        if base.is_dir() and not base.is_symlink() and status.st_uid == 0 and not status.st_mode & 0o022:
            base.chmod(0o755)
            return base
    raise ProjectError(
        "root's embedded server needs a folder of root's own: /var/lib/pgflow-gen or $TMPDIR/pgflow-gen",
        help="make that folder, or name a server with --dsn",
    )


def service_user() -> str:
    """The user root's server runs as; created when the system has none that fits."""
    for name in _SERVICE_USERS:
        if _exists(name):
            return name
    useradd = shutil.which("useradd")
    if useradd:
        command = [useradd, "--system", "--no-create-home", "--shell", "/bin/false", _SERVICE_USERS[0]]
        subprocess.run(command, capture_output=True, check=False)
        if _exists(_SERVICE_USERS[0]):
            return _SERVICE_USERS[0]
    if _exists("nobody"):
        return "nobody"
    raise ProjectError(
        "PostgreSQL does not run as root, and there is no other user to run it as",
        help="add a user named pgserver, run as a normal user, or name a server with --dsn",
    )


def _exists(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True


def _sockets(folder: Path, project: Path) -> Path:
    """The folder itself, unless its path is too long for a socket or holds what separates hosts."""
    short = len(os.fsencode(folder / SOCKET_NAME)) <= LONGEST_SOCKET
    if short and not re.search(r"""[,"'\\]""", str(folder)):
        return folder
    for base in (Path(tempfile.gettempdir()), Path("/tmp")):  # noqa: S108 - ownership is checked below
        sockets = base / f"pgflow-{os.geteuid()}-{_short_hash(project)}"
        if len(os.fsencode(sockets / SOCKET_NAME)) > LONGEST_SOCKET:
            continue
        if make_private(sockets):
            return sockets
    raise ProjectError(
        f"the path {folder} is too long for a unix socket, and there is no private temporary folder",
        help="move the project to a shorter path, set TMPDIR, or name a server with --dsn",
    )


def make_private(folder: Path) -> bool:
    """Make a folder only we may enter; False if somebody else has put something there."""
    folder.mkdir(mode=0o700, exist_ok=True)
    status = folder.lstat()
    return stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid() and not status.st_mode & 0o077


def _short_hash(project: Path) -> str:
    return hashlib.sha256(os.fsencode(project)).hexdigest()[:10]


def _readable(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.-]", "_", name)[:30] or "project"
