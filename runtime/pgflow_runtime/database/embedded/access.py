"""Who may connect to the embedded server, and what its configuration may not decide.

The operating system says who knocks (``peer``): the user who runs the server, and root where root has it run
by another. They may be any role of the database, nobody else gets in.
"""

from __future__ import annotations

import os
import shlex
from pathlib import Path

from pgflow_runtime.database.embedded import private
from pgflow_runtime.database.embedded.location import DATA, Location, name_of

_HBA = """\
# Written by pgflow-gen at every start. Who: pg_ident.conf
local all all peer map=pgflow
local replication all peer map=pgflow
"""
_PINNED = {
    "data_directory": DATA,
    "hba_file": f"{DATA}/pg_hba.conf",
    "ident_file": f"{DATA}/pg_ident.conf",
    "external_pid_file": "",
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "unix_socket_group": "",
    "logging_collector": "off",
    "log_destination": "stderr",
    # whatever runs a program or loads a library when the server starts or a session does
    "archive_mode": "off",
    "archive_command": "",
    "archive_library": "",
    "archive_cleanup_command": "",
    "restore_command": "",
    "recovery_end_command": "",
    "primary_conninfo": "",
    "shared_preload_libraries": "",
    "session_preload_libraries": "",
    "local_preload_libraries": "",
    "dynamic_library_path": "$libdir",
    "jit_provider": "llvmjit",
    "ssl": "off",
    "ssl_passphrase_command": "",
}
"""Settings on the command line, which no file in the data can override."""


def write_access(location: Location) -> None:
    """Write who may connect, in place of whatever the data says."""
    names = dict.fromkeys(name_of(uid) for uid in (location.owner[0], os.geteuid()))
    ident = "".join(f'pgflow "{name.replace(chr(34), chr(34) * 2)}" all\n' for name in names)
    with private.entered(location.data) as data:
        private.put(data, "pg_hba.conf", _HBA, location.owner)
        private.put(data, "pg_ident.conf", ident, location.owner)


def server_options(sockets: Path) -> str:
    """The server's options as ``pg_ctl -o`` takes them: words for a shell."""
    settings = _PINNED | {"unix_socket_directories": f'"{sockets}"'}
    return " ".join(f"-c {shlex.quote(f'{name}={value}')}" for name, value in settings.items())
