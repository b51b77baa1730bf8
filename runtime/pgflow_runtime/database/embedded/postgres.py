"""Start and stop one PostgreSQL server on one data folder. The callers hold the lock that serialises this."""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from pgflow_runtime.database.embedded import own, private
from pgflow_runtime.database.embedded.access import server_options, write_access
from pgflow_runtime.database.embedded.binaries import NEWEST, binaries
from pgflow_runtime.database.embedded.location import DATA, SOCKET_NAME, Location, make_private
from pgflow_runtime.errors import ProjectError

if TYPE_CHECKING:
    import psutil  # type: ignore[import-untyped]

START_SECONDS = 60
STOP_SECONDS = 60
LONGEST_LOG = 5_000_000
"""Bytes after which the log is put aside at the next start."""


class Postgres:
    """The server of a place: a unix socket only, no network, and nobody but its owner gets in."""

    def __init__(self, location: Location) -> None:
        self._location = location

    def ensure_running(self) -> None:
        """Make the data folder if there is none, and start the server unless it runs. Raises ProjectError."""
        has_data = self._has_data()
        if self._is_running():
            return
        self.stop()  # one that cannot be reached: the project was moved while its server ran on
        if has_data:
            binaries(self._version(), self._location.programs)
            own.require(self._location)
        else:
            self._initialise()
        write_access(self._location)
        self._forget_the_dead()
        self._put_log_aside()
        if self._has_own_sockets and not make_private(self._location.sockets):
            raise ProjectError(f"{self._location.sockets} belongs to somebody else", help="remove it")
        # pg_ctl hands paths to a shell half-quoted: relative ones are safe in any folder
        self._run(
            "pg_ctl",
            *("-D", DATA, "-l", self._location.log.name, "-o", server_options(self._location.sockets)),
            *("-w", "-t", str(START_SECONDS), "start"),
        )

    def stop(self) -> None:
        """Stop the server; sessions that are still there are ended."""
        if self._postmaster() is not None:
            self._run("pg_ctl", "-D", DATA, "-m", "fast", "-w", "-t", str(STOP_SECONDS), "stop")
        if self._has_own_sockets:
            with suppress(OSError):
                self._location.sockets.rmdir()

    @property
    def _has_own_sockets(self) -> bool:
        return self._location.sockets != self._location.folder

    def _is_running(self) -> bool:
        process = self._postmaster()
        return process is not None and (self._location.sockets / SOCKET_NAME).exists()

    def _postmaster(self) -> psutil.Process | None:
        """The process that postmaster.pid names, if its working folder is this very one."""
        import psutil  # where only a DSN is used it is left out

        try:
            process = psutil.Process(int((self._location.data / "postmaster.pid").read_text().split()[0]))
            return process if Path(process.cwd()).samefile(self._location.data) else None
        except (OSError, ValueError, IndexError, psutil.Error):
            return None

    def _forget_the_dead(self) -> None:
        """A server that was killed leaves its pid file; PostgreSQL balks if the pid went to someone else."""
        if self._postmaster() is None:
            (self._location.data / "postmaster.pid").unlink(missing_ok=True)

    def _has_data(self) -> bool:
        """Whether there is a data folder to start; one that a link leads to is refused."""
        if not os.path.lexists(self._location.data):
            return False
        with private.entered(self._location.data):
            return (self._location.data / "PG_VERSION").exists()

    def _put_log_aside(self) -> None:
        log = self._location.log
        with private.entered(self._location.folder) as folder:
            private.drop_link(folder, log.name)
        if log.exists() and log.stat().st_size > LONGEST_LOG:
            log.replace(log.with_suffix(".log.old"))

    def _initialise(self) -> None:
        """initdb into a folder beside, renamed at the end: a killed initdb leaves nothing half-made."""
        partial = self._location.folder / "data.partial"
        for leftover in (partial, self._location.data):
            if leftover.is_symlink():
                leftover.unlink()
            elif leftover.exists():
                shutil.rmtree(leftover)
        locale = ("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C")
        self._run(
            "initdb",
            *("-D", partial.name, "-U", "postgres", "-E", "UTF8", "--no-sync", *locale),
            *("--auth-local=peer", "--auth-host=reject"),
        )
        own.note(self._location, partial)
        partial.rename(self._location.data)

    def _version(self) -> int:
        try:
            return int((self._location.data / "PG_VERSION").read_text().strip())
        except (OSError, ValueError):
            return NEWEST

    def _run(self, program: str, *arguments: str) -> None:
        path = binaries(self._version(), self._location.programs) / program
        log = self._location.log
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        uid, gid = self._location.owner if self._location.user is not None else (None, None)
        with private.entered(self._location.folder) as folder:
            sink = private.new(folder, f"{program}.log")
        try:
            done = subprocess.run(
                [str(path), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                cwd=self._location.folder,
                env=environment | {"LC_ALL": "C"},
                check=False,
                start_new_session=True,
                user=uid,
                group=gid,
                extra_groups=None if uid is None else [],
            )
        finally:
            os.close(sink)
        if done.returncode != 0:
            tail = _tail(self._location.folder / f"{program}.log")
            if program == "pg_ctl":
                tail = f"{tail}\n{_tail(log)}"
            raise ProjectError(
                f"the embedded PostgreSQL failed at {program}:\n{tail.strip()}",
                help=f"see {log}; to start anew, move {self._location.folder} away, or name a server"
                " with --dsn",
            )


def _tail(path: Path, lines: int = 12) -> str:
    try:
        return "\n".join(path.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])
    except OSError:
        return ""
