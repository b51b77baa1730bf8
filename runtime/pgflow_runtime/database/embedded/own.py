"""Only data that this machine's user has made is started: whoever made it decides what runs with it.

Beside the data lies a note of which folder it is, and of a file in it that never changes: its number (inode)
and the time of its last change (ctime), which the kernel sets and nobody can choose. No archive and no
checkout carries that over. The device is left out: many file systems get another number with each boot.
"""

from __future__ import annotations

import json
import os
import pwd
from pathlib import Path

from pgflow_runtime.database.embedded import private
from pgflow_runtime.database.embedded.location import Location
from pgflow_runtime.errors import ProjectError

NOTE = "data.made"
_LASTING = "PG_VERSION"


def note(location: Location, data: Path) -> None:
    """Note that ``data``, which goes or is where the place's data belongs, is our own."""
    with private.entered(data) as inside, private.entered(location.folder) as folder:
        private.put(folder, NOTE, json.dumps(_traits(inside)))


def require(location: Location) -> None:
    """Raises ProjectError for data that is not our own, saying whose it is and how to take it over."""
    with private.entered(location.data) as inside, private.entered(location.folder) as folder:
        written = private.read(folder, NOTE, os.geteuid())
        if written is not None and _is(written, _traits(inside)):
            return
        owner = os.fstat(inside).st_uid
    raise ProjectError(
        f"the embedded server's data in {location.data} belongs to {_name(owner)}, but was not made here by"
        " this version of pgflow-gen. It may have come with a copy, an archive or a repository. Whoever made"
        " it decides which programs run when it is started, so it is not",
        help="if you know it to be yours, take it over: pgflow-gen migrate --adopt-data; to start anew, move"
        f" {location.data} away; or name a server with --dsn",
    )


def adopt(location: Location) -> str | None:
    """Take over the data of the place, and say what that was; None where all is ours already, or nothing is.

    Raises ProjectError for another user's.
    """
    if not (location.data / _LASTING).exists():
        return None
    try:
        require(location)
    except ProjectError:
        note(location, location.data)
    else:
        return None
    owner = _name(location.data.lstat().st_uid)
    return f"adopted the embedded server's data in {location.data}, which belongs to {owner}"


def _traits(data: int) -> list[int]:
    folder, lasting = os.fstat(data), os.stat(_LASTING, dir_fd=data, follow_symlinks=False)
    return [folder.st_ino, folder.st_uid, lasting.st_ino, lasting.st_ctime_ns]


def _is(written: str, traits: list[int]) -> bool:
    try:
        return bool(json.loads(written) == traits)
    except ValueError:
        return False


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user id {uid}"
