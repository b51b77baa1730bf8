"""The replica that pages and the doctor read: what names it, and how a lag reads."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from pgflow_runtime.database.dsn import resolve_read_dsn
from pgflow_runtime.database.replica import DatabaseIdentity, Lag, check_replica
from pgflow_runtime.errors import InvalidDsn, UsageError

EARLY, LATE = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)
PRIMARY = DatabaseIdentity(1, 5, EARLY, False)


def test_nothing_names_a_replica() -> None:
    assert resolve_read_dsn(None, {"PGFLOW_DSN": "postgresql://h/x", "PGFLOW_READ_DSN": ""}) is None


def test_flag_variable_file(tmp_path: Path) -> None:
    file = tmp_path / "dsn"
    file.write_text("postgresql://f/x\n")
    env = {"PGFLOW_READ_DSN_FILE": f"{file}"}
    found = resolve_read_dsn(None, env)
    assert found is not None
    assert (found.source, "host=f" in found.conninfo) == ("PGFLOW_READ_DSN_FILE", True)
    found = resolve_read_dsn("postgresql://e/x", {"PGFLOW_READ_DSN": "postgresql://v/x"})
    assert found is not None
    assert (found.source, "host=e" in found.conninfo) == ("--read-dsn", True)
    with pytest.raises(InvalidDsn, match="PGFLOW_READ_DSN and PGFLOW_READ_DSN_FILE are both set"):
        resolve_read_dsn(None, {**env, "PGFLOW_READ_DSN": "postgresql://v/x"})


@pytest.mark.parametrize(
    ("explicit", "env"),
    [
        ("", {}),
        ("mysql://u:s3cret@h/x", {}),
        (None, {"PGFLOW_READ_DSN": "s3cret"}),
        (None, {"PGFLOW_READ_DSN_FILE": "postgresql://u:s3cret@h/x"}),
        (None, {"PGFLOW_READ_DSN_FILE": "/nowhere"}),
    ],
)
def test_what_cannot_be_read_names_its_source(explicit: str | None, env: dict[str, str]) -> None:
    with pytest.raises(InvalidDsn) as refused:
        resolve_read_dsn(explicit, env)
    assert next(iter(env), "--read-dsn") in refused.value.message
    assert "s3cret" not in f"{refused.value.message} {refused.value.help}"


def test_a_standby_of_the_same_cluster_and_database_is_a_replica() -> None:
    assert check_replica(PRIMARY, DatabaseIdentity(1, 5, LATE, True), "--read-dsn") is None
    assert (
        check_replica(PRIMARY, DatabaseIdentity(None, 5, LATE, True), "--read-dsn") is None
    )  # nobody may tell


@pytest.mark.parametrize(
    "other",
    [
        DatabaseIdentity(2, 5, LATE, True),
        DatabaseIdentity(1, 6, LATE, True),
        DatabaseIdentity(1, 5, LATE, False),
    ],
)
def test_anything_else_is_refused(other: DatabaseIdentity) -> None:
    with pytest.raises(UsageError):
        check_replica(PRIMARY, other, "--read-dsn")


def test_how_a_lag_reads() -> None:
    def words(seconds: float | None, *, is_standby: bool = True, has_replayed: bool | None = None) -> str:
        row = {"is_standby": is_standby, "has_replayed": has_replayed, "seconds": seconds}
        return str(Lag.read(row))

    assert words(0.4) == words(7000.0, has_replayed=True) == "is up to date"  # nobody has written since
    assert words(1.2) == "is 1 second behind"
    assert words(3661.0, has_replayed=False) == "is 3,661 seconds behind"
    assert words(None) == "does not say how far it is behind"
    assert str(Lag.unknown()) == words(None)
    assert words(0.0, is_standby=False) == "is no standby any more"
