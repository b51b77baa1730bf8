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

from pgflow_runtime.database.embedded import private
from pgflow_runtime.errors import ProjectError

DATA = "data"
"""Name of the data folder within a server's folder."""
PORT = 5432
SOCKET_NAME = f".s.PGSQL.{PORT}"
LONGEST_SOCKET = 103
"""Bytes a unix socket's path may have on every system (Linux allows 107)."""

_SERVICE_USERS = ("pgserver", "postgres")
_ADD_USER = (
    ("useradd", "--system", "--no-create-home", "--shell", "/bin/false"),
    ("adduser", "-S", "-D", "-H", "-s", "/bin/false"),  # busybox
)


@dataclass(frozen=True, slots=True)
class Location:
    """Folders of one server. ``user`` is who runs it when we are root, else None."""

    folder: Path
    sockets: Path
    user: str | None
    programs: Path | None
    """Where root may copy PostgreSQL's programs to."""
    owner: private.Owner
    """The user and group that the data belongs to."""

    @property
    def data(self) -> Path:
        return self.folder / DATA

    @property
    def log(self) -> Path:
        return self.folder / "postgres.log"


def location_of(project: Path) -> Location:
    """The place of a project's server, its folders made, and closed to everybody else.

    A normal user's is ``.pgflow/`` in the project. PostgreSQL refuses to run as root, so there a service
    user runs it, who must not need a way through root's folders: the place lies under /var/lib/pgflow-gen,
    or under the temporary folder. Raises ProjectError when a folder cannot be made or is somebody else's.
    """
    project = project.resolve()
    try:
        return _for_root(project) if os.geteuid() == 0 else _for_user(project)
    except OSError as error:
        raise ProjectError(
            f"the embedded server needs a folder that cannot be made: {error}",
            help="make it writable, or name a server with --dsn",
        ) from error


def name_of(uid: int) -> str:
    """The user's name. Raises ProjectError where the system has none: PostgreSQL asks for it as well."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        raise ProjectError(
            f"the system knows no user with the id {uid}, and PostgreSQL does not run without one's name",
            help="add the user (in a container: a line in /etc/passwd, or --user with one that is there),"
            " or name a server with --dsn",
        ) from None


def _for_user(project: Path) -> Location:
    name_of(os.geteuid())
    folder = project / ".pgflow"
    folder.mkdir(mode=0o700, exist_ok=True)
    with private.entered(folder) as handle:
        status = os.fstat(handle)
        if status.st_uid != os.geteuid():
            raise ProjectError(
                f"{folder} belongs to another user (id {status.st_uid}), who would decide what runs there",
                help="move it away, or name a server with --dsn",
            )
        if stat.S_IMODE(status.st_mode) != 0o700:
            os.fchmod(handle, 0o700)  # as earlier versions made it, everybody could look in
        if not os.path.lexists(folder / ".gitignore"):
            private.put(handle, ".gitignore", "*\n")
    return Location(folder, _sockets(folder, project), None, None, (os.geteuid(), os.getegid()))


def _for_root(project: Path) -> Location:
    base = _base()
    folder = base / f"{_readable(project.name)}-{_short_hash(project)}"
    folder.mkdir(mode=0o700, exist_ok=True)
    user = _user_of(folder)
    entry = pwd.getpwnam(user)
    with private.entered(folder) as handle:
        os.fchown(handle, entry.pw_uid, entry.pw_gid)
        os.fchmod(handle, 0o700)
    return Location(folder, folder, user, base, (entry.pw_uid, entry.pw_gid))


def _user_of(folder: Path) -> str:
    """Whoever owns the data that is there; a service user that came to the system since changes nothing."""
    for path in (folder / DATA, folder):
        if os.path.lexists(path) and (uid := path.lstat().st_uid) != 0:
            return name_of(uid)
    return service_user()


def _base() -> Path:
    """A folder of root's own that others may walk through."""
    for parent in (Path("/var/lib"), Path(tempfile.gettempdir())):
        base = parent / "pgflow-gen"
        try:
            base.mkdir(mode=0o755, exist_ok=True)
        except OSError:
            continue
        status = base.lstat()
        if stat.S_ISDIR(status.st_mode) and status.st_uid == 0 and not status.st_mode & 0o022:
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
    for program, *arguments in _ADD_USER:
        path = shutil.which(program)
        if path is not None:
            subprocess.run([path, *arguments, _SERVICE_USERS[0]], capture_output=True, check=False)
        if _exists(_SERVICE_USERS[0]):
            return _SERVICE_USERS[0]
    # not `nobody`: who else runs as that user would be the superuser of this server
    raise ProjectError(
        "PostgreSQL does not run as root, and there is no user of its own to run it as",
        help="add a system user named pgserver, run as a normal user, or name a server with --dsn",
    )


def _exists(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True


def _sockets(folder: Path, project: Path) -> Path:
    """The folder itself, unless its path is too long for a socket or holds what separates hosts."""
    if _fits(folder):
        return folder
    for base in (Path(tempfile.gettempdir()), Path("/tmp")):  # noqa: S108 - ownership is checked below
        sockets = base / f"pgflow-{os.geteuid()}-{_short_hash(project)}"
        if _fits(sockets) and make_private(sockets):
            return sockets
    raise ProjectError(
        f"the path {folder} is too long for a unix socket, and there is no private temporary folder",
        help="move the project to a shorter path, set TMPDIR, or name a server with --dsn",
    )


def _fits(folder: Path) -> bool:
    """Whether a socket may lie there, and a connection string can say so."""
    is_short = len(os.fsencode(folder / SOCKET_NAME)) <= LONGEST_SOCKET
    return is_short and not re.search(r"""[,"'\\]""", str(folder))


def make_private(folder: Path) -> bool:
    """Make a folder only we may enter; False if somebody else has put something there."""
    folder.mkdir(mode=0o700, exist_ok=True)
    status = folder.lstat()
    return stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid() and not status.st_mode & 0o077


def _short_hash(project: Path) -> str:
    return hashlib.sha256(os.fsencode(project)).hexdigest()[:10]


def _readable(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.-]", "_", name)[:30] or "project"
