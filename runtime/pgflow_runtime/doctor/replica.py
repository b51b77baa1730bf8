"""A replica that is read in place of the database: whether it is one, and whether it keeps up."""

from __future__ import annotations

from collections.abc import Iterator

from pgflow_runtime.database.dsn import describe
from pgflow_runtime.database.replica import LAG, UNTOLD, WRITTEN, DatabaseIdentity, Lag, check_replica
from pgflow_runtime.doctor.finding import Finding, note, ok, problem, warning
from pgflow_runtime.doctor.inspection import Inspection
from pgflow_runtime.errors import UsageError


def check_place(primary: Inspection, replica: Inspection, *, source: str) -> Iterator[Finding]:
    """Whether the second is a replica of the first; nothing where it is."""
    try:
        said = check_replica(
            DatabaseIdentity.of(primary.connection), DatabaseIdentity.of(replica.connection), source
        )
    except UsageError as error:
        yield problem("replica.place", error.message, error.help or "name a standby")
        return
    if said is not None:
        yield note("replica.place", said, f"name a standby, or leave {source} out")


def check_lag(primary: Inspection | None, replica: Inspection) -> Iterator[Finding]:
    """How far it is behind; with its primary by what that has written, else by the time of what came last."""
    lag = read_lag(primary, replica)
    text = f"the replica {describe(replica.connection.info.dsn)} {lag}"
    if lag.is_long or not lag.is_standby:
        yield warning(
            "replica.lag",
            f"{text}: runs are judged as they were then",
            "see pg_stat_replication on the primary, and on the replica what its replay waits for:"
            " long queries (max_standby_streaming_delay), a pause (pg_is_wal_replay_paused()), its disk",
        )
    else:
        yield ok("replica.lag", text)


def read_lag(primary: Inspection | None, replica: Inspection) -> Lag:
    try:
        lsn = None if primary is None else primary.row(WRITTEN)["lsn"]
        return Lag.read(replica.row(LAG, {"lsn": lsn}))
    except UNTOLD:
        return Lag.unknown()
