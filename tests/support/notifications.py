"""Real notifications: what a listening session receives."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from psycopg import sql

from tests.support.core import connect

END = "pgflow_test_end"


class Listener:
    """Collects what was sent on its channels, without waiting for anything that may not come."""

    def __init__(self, dsn: str, channels: Sequence[str]) -> None:
        self.connection = connect(dsn)
        for channel in (*channels, END):
            self.connection.execute(sql.SQL("listen {}").format(sql.Identifier(channel)))

    def received(self) -> list[tuple[str, str]]:
        """(channel, payload) of everything committed since the last call.

        Notifications arrive in the order of commits, so after one of our own nothing earlier is outstanding.
        """
        self.connection.execute(sql.SQL("select pg_notify({}, '')").format(sql.Literal(END)))
        found: list[tuple[str, str]] = []
        for notification in self.connection.notifies(timeout=30):
            if notification.channel == END:
                return found
            found.append((notification.channel, notification.payload))
        raise AssertionError("the own notification did not come back")


@contextmanager
def listening(dsn: str, *channels: str) -> Iterator[Listener]:
    """A session that listens on these channels."""
    listener = Listener(dsn, channels)
    try:
        yield listener
    finally:
        listener.connection.close()
