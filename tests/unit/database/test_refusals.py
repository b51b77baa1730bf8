"""The one list of what passes by itself."""

from __future__ import annotations

import psycopg
import pytest
from psycopg import errors as pg
from psycopg_pool import PoolClosed, PoolTimeout

from pgflow_runtime.database.refusals import Refusal, is_hopeless, is_lost, passes, refusal_of

BY_REFUSAL: dict[Refusal, list[type[Exception]]] = {
    Refusal.LOST: [
        pg.ConnectionException, pg.ConnectionDoesNotExist, pg.ConnectionFailure, pg.ProtocolViolation,
        pg.SqlclientUnableToEstablishSqlconnection, pg.SqlserverRejectedEstablishmentOfSqlconnection,
        pg.TransactionResolutionUnknown, pg.AdminShutdown, pg.CrashShutdown, pg.CannotConnectNow,
        pg.DatabaseDropped, pg.IdleSessionTimeout, pg.IdleInTransactionSessionTimeout,
        pg.ReadOnlySqlTransaction, pg.TooManyConnections, pg.InvalidPassword, pg.InvalidCatalogName,
        pg.InvalidAuthorizationSpecification, pg.FeatureNotSupported, pg.InvalidSqlStatementName,
        pg.DuplicatePreparedStatement, psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout,
        ConnectionResetError, TimeoutError, OSError,
    ],
    Refusal.CONFLICT: [
        pg.SerializationFailure, pg.DeadlockDetected, pg.TransactionRollback, pg.StatementCompletionUnknown,
    ],
    Refusal.FULL: [pg.DiskFull],
    Refusal.BUSY: [
        pg.LockNotAvailable, pg.QueryCanceled, pg.OutOfMemory, pg.InsufficientResources,
        pg.ConfigurationLimitExceeded, pg.ObjectInUse, pg.OperatorIntervention, pg.SystemError, pg.IoError,
    ],
    Refusal.FINAL: [
        pg.UniqueViolation, pg.UntranslatableCharacter, pg.UndefinedFunction, pg.InsufficientPrivilege,
        pg.ProgramLimitExceeded, pg.StatementTooComplex, pg.RaiseException, pg.InternalError_,
        pg.DataCorrupted, pg.SyntaxError, psycopg.ProgrammingError, psycopg.DataError, PoolClosed, ValueError,
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("error", "refusal"),
    [(error, refusal) for refusal, errors in BY_REFUSAL.items() for error in errors],
    ids=lambda item: item.__name__ if isinstance(item, type) else item.value,
)
def test_what_an_error_means(error: type[Exception], refusal: Refusal) -> None:
    assert refusal_of(error("said so")) is refusal
    assert passes(error("said so")) == (refusal is not Refusal.FINAL)
    assert is_lost(error("said so")) == (refusal is Refusal.LOST)


def test_a_transaction_that_took_too_long_is_a_lost_connection() -> None:
    kind = type("TransactionTimeout", (psycopg.OperationalError,), {"sqlstate": "25P04"})
    assert refusal_of(kind("terminating connection due to transaction timeout")) is Refusal.LOST


@pytest.mark.parametrize(
    "text",
    [
        'connection failed: FATAL:  password authentication failed for user "app"',
        'connection failed: FATAL:  database "nowhere" does not exist',
        'connection failed: FATAL:  role "nobody" does not exist',
        'FATAL:  no pg_hba.conf entry for host "10.0.0.7", user "app", database "app", no encryption',
        "fe_sendauth: no password supplied",
        "server does not support SSL, but SSL was required",
        "FATAL:  unsupported startup parameter: options",
        'FATAL:  role "app" is not permitted to log in',
    ],
)
def test_who_can_never_come_in_need_not_wait(text: str) -> None:
    assert is_hopeless(psycopg.OperationalError(text))


@pytest.mark.parametrize(
    "text",
    [
        'connection to server at "localhost" (127.0.0.1), port 1 failed: Connection refused',
        "FATAL:  the database system is starting up",
        "FATAL:  the database system is not yet accepting connections",
        "FATAL:  sorry, too many clients already",
        "FATAL:  remaining connection slots are reserved for roles with the SUPERUSER attribute",
        "FATAL:  query_wait_timeout",
        "FATAL:  server login has been failing, try again later (server_login_retry)",
        'could not translate host name "db" to address: Temporary failure in name resolution',
        "connection timeout expired",
        'connection to server on socket "/x/.s.PGSQL.5432" failed: No such file or directory',
    ],
)
def test_a_server_that_is_away_is_worth_waiting_for(text: str) -> None:
    assert not is_hopeless(psycopg.OperationalError(text))
