"""What the database's refusals mean for whoever asked: the one list of what passes by itself.

Workers, clients, commands and pages ask here whether the same may succeed in a moment, and on which
connection.
"""

from __future__ import annotations

from enum import Enum
from typing import Final

import psycopg
from psycopg_pool import PoolClosed


class Refusal(Enum):
    """Why a statement did not do its work."""

    LOST = "lost"
    """There is no connection, or it ended, or leads to a server that cannot do it: connect again."""
    CONFLICT = "conflict"
    """Two transactions met, and this one gave way: again."""
    FULL = "full"
    """The disk is full: again, when somebody has made room."""
    BUSY = "busy"
    """Somebody holds what is needed, or a limit or an administrator ended the wait: again, later."""
    FINAL = "final"
    """Repeating it changes nothing."""


TABLE: Final[dict[str, Refusal]] = {
    # the connection; poolers say 08P01 of all that ails them (query_wait_timeout, server_login_retry...)
    "08": Refusal.LOST,
    # "cached plan must not change result type": an upgrade changed a function; a new session plans anew
    "0A000": Refusal.LOST,
    "25006": Refusal.LOST,  # a read-only server: the primary is somewhere else now, or will be here
    "25P03": Refusal.LOST,  # idle_in_transaction_session_timeout
    "25P04": Refusal.LOST,  # transaction_timeout
    "26000": Refusal.LOST,  # a prepared statement that is gone, as somebody between us cleaned the session
    "42P05": Refusal.LOST,  # or one that is there already
    "28": Refusal.LOST,  # no entry: passwords change while workers run; at a start see is_hopeless
    "3D": Refusal.LOST,  # no such database: as while it is restored
    "40": Refusal.CONFLICT,
    "53100": Refusal.FULL,
    "53300": Refusal.LOST,  # too many connections
    "53": Refusal.BUSY,  # memory, and other resources of the server
    "55006": Refusal.BUSY,  # in use
    "55P03": Refusal.BUSY,  # a lock that was not to be had, or not within lock_timeout
    "57P": Refusal.LOST,  # shut down, crashed, starting up, dropped, idle_session_timeout
    "57": Refusal.BUSY,  # cancelled: by an administrator, or by statement_timeout
    "58": Refusal.BUSY,  # the system below the server: an input or output error
    "72": Refusal.BUSY,  # a snapshot too old
}
"""By SQLSTATE or its beginning; the longest entry that fits counts. What is not here is final."""

_FULL_OF_NOTIFICATIONS: Final = "PreCommit_Notify"
"""The server's function that refuses a commit while the queue of notifications is full: 54000, as for values
that are too large."""

_HOPELESS: Final = (
    "password authentication failed",
    "authentication failed",
    "no password supplied",
    "no pg_hba.conf entry",
    "pg_hba.conf rejects connection",
    "is not permitted to log in",
    "permission denied for database",
    "does not support SSL, but SSL was required",
    "certificate verify failed",
    "unsupported startup parameter",
    "no such user",
    "no such database",
    "invalid value for parameter",
    "unrecognized configuration parameter",
)
_MISSING: Final = (('role "', " does not exist"), ('database "', " does not exist"))
"""What the server, libpq and pgbouncer say to who can never come in like this. A connection that failed has
no SQLSTATE: libpq does not tell it."""


def refusal_of(error: BaseException) -> Refusal:
    """What an exception of psycopg, of its pool or of the system means; FINAL for any other."""
    if isinstance(error, PoolClosed):
        return Refusal.FINAL
    if isinstance(error, OSError):
        return Refusal.LOST
    if not isinstance(error, psycopg.Error):
        return Refusal.FINAL
    state = error.sqlstate
    if state is None:
        is_lost = isinstance(error, (psycopg.OperationalError, psycopg.InterfaceError))
        return Refusal.LOST if is_lost else Refusal.FINAL
    if state == "54000" and error.diag.source_function == _FULL_OF_NOTIFICATIONS:
        return Refusal.BUSY
    return refusal_of_state(state)


def refusal_of_state(state: str) -> Refusal:
    """The same by SQLSTATE alone."""
    for length in (5, 3, 2):
        if (refusal := TABLE.get(state[:length])) is not None:
            return refusal
    return Refusal.FINAL


def is_lost(error: BaseException) -> bool:
    """Whether another connection is needed to try again."""
    return refusal_of(error) is Refusal.LOST


def passes(error: BaseException) -> bool:
    """Whether the same may well succeed in a moment."""
    return refusal_of(error) is not Refusal.FINAL


def is_hopeless(error: psycopg.Error) -> bool:
    """Whether a first connection was refused for what only its user can mend: name, password, rights.

    In other languages than English a server's refusal is not understood: then it counts as passing.
    """
    if (error.sqlstate or "").startswith(("28", "3D")):
        return True
    text = str(error)
    return any(part in text for part in _HOPELESS) or any(
        start in text and end in text for start, end in _MISSING
    )
