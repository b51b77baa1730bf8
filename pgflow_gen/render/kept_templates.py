"""Compiled templates, kept from one build to the next: making them anew is a tenth of a build of one file."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import BytecodeCache
    from jinja2.bccache import Bucket


def kept_templates() -> BytecodeCache | None:
    """Compiled templates in the user's own folder for such things; None where nothing can or shall be kept.

    Not in the project's: what is kept there is code, and a project may come from anybody.
    """
    from jinja2 import FileSystemBytecodeCache

    class Kept(FileSystemBytecodeCache):
        def dump_bytecode(self, bucket: Bucket) -> None:
            with suppress(OSError):  # a full disk, a folder that went away
                super().dump_bytecode(bucket)

    if sys.platform == "win32" or sys.dont_write_bytecode:
        return None
    folder = _folder()
    if folder is None:
        return None
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not _is_ours(folder):
            return None
    except OSError:
        return None
    return Kept(str(folder))


def _folder() -> Path | None:
    given = os.environ.get("XDG_CACHE_HOME", "")
    if os.path.isabs(given):
        return Path(given, "pgflow-gen", "templates")
    try:
        return Path.home() / ".cache" / "pgflow-gen" / "templates"
    except RuntimeError:  # whoever this is has no home
        return None


def _is_ours(folder: Path) -> bool:
    """Whether nobody else can write there."""
    status = folder.stat()
    return status.st_uid == os.getuid() and not status.st_mode & 0o022 and os.access(folder, os.W_OK)
