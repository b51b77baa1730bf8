"""``.pgflow/cache``: what builds leave for later ones. Only what this machine's user has left there counts.

A repository that brings a cache along could have a check find nothing, or anything. So beside its content
lies a note of the folder, and of a file in it that never changes: its number and the time of its last change,
which the kernel sets and no archive or checkout carries over. A folder that the note does not fit is emptied;
one of another user's, or behind a link, is left alone, and nothing is kept.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pgflow_gen.disk import Folder

CACHE = Path(".pgflow") / "cache"
NOTE = "made"
_LASTING = ".gitignore"


@contextmanager
def kept(root: Path) -> Iterator[Folder]:
    """The folder, made where it is missing. Raises OSError where nothing can be kept."""
    with Folder(root) as top, top.enter(CACHE.parts[0], make=True, mode=0o700) as own:
        _require_own(own)
        with own.enter(CACHE.parts[1], make=True, mode=0o700) as cache:
            _require_own(cache)
            cache.tighten(0o700)
            if not _is_noted(cache):
                cache.clear()
                cache.create(_LASTING, b"*\n")
                cache.write(NOTE, json.dumps(_traits(cache)).encode(), 0o600)
            yield cache


def read_kept(root: Path, name: str) -> bytes:
    """A file of ours. Raises OSError where there is none."""
    if not os.path.lexists(root / CACHE / name):
        raise FileNotFoundError(name)
    with kept(root) as cache:
        return cache.read(name)


def keep(root: Path, name: str, content: bytes) -> None:
    """Failing to keep costs time only."""
    with suppress(OSError), kept(root) as cache:
        cache.write(name, content, 0o600)


def _require_own(folder: Folder) -> None:
    if hasattr(os, "geteuid") and folder.own_stat().st_uid != os.geteuid():
        raise PermissionError(1, "belongs to another user", folder.path)


def _is_noted(cache: Folder) -> bool:
    try:
        return bool(json.loads(cache.read(NOTE)) == _traits(cache))
    except (OSError, ValueError, RecursionError):
        return False


def _traits(cache: Folder) -> list[int]:
    lasting = cache.stat(_LASTING)
    return [cache.own_stat().st_ino, lasting.st_ino, lasting.st_ctime_ns]
