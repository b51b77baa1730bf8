"""Settings of a database as unlucky as they can be, for whoever does not say what they need."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

import psycopg
from psycopg import sql

from tests.support.server import name_of

HOSTILE: Final[Mapping[str, str]] = {
    "DateStyle": "German, DMY",
    "IntervalStyle": "sql_standard",
    "TimeZone": "Africa/Monrovia",  # its offset had seconds
    "array_nulls": "off",
    "standard_conforming_strings": "off",
    "backslash_quote": "off",
    "escape_string_warning": "on",
    "transform_null_equals": "on",
    "quote_all_identifiers": "on",
    "exit_on_error": "on",
    "row_security": "off",
    "bytea_output": "escape",
    "extra_float_digits": "-15",
    "client_min_messages": "debug1",
    "check_function_bodies": "off",
    "gin_fuzzy_search_limit": "1",
    "search_path": "nowhere",
    "default_transaction_isolation": "serializable",
    "default_transaction_read_only": "on",
    "default_transaction_deferrable": "on",
    "statement_timeout": "100ms",
    "lock_timeout": "10ms",
    "idle_session_timeout": "200ms",
    "idle_in_transaction_session_timeout": "50ms",
    "transaction_timeout": "300ms",
    "plpgsql.extra_errors": "all",
    "plpgsql.extra_warnings": "all",
}
SINCE: Final[Mapping[str, int]] = {"transaction_timeout": 17}


def set_hostile(
    dsn: str,
    settings: Mapping[str, str] = HOSTILE,
    level: Literal["database", "role", "role in database"] = "database",
    role: str = "",
) -> None:
    """Set them for whoever connects from now on."""
    with psycopg.connect(dsn, autocommit=True, client_encoding="UTF8") as connection:
        whom = {
            "database": sql.SQL("database {}").format(sql.Identifier(name_of(dsn))),
            "role": sql.SQL("role {}").format(sql.Identifier(role)),
            "role in database": sql.SQL("role {} in database {}").format(
                sql.Identifier(role), sql.Identifier(name_of(dsn))
            ),
        }[level]
        for name, value in settings.items():
            if connection.info.server_version < SINCE.get(name, 0) * 10_000:
                continue
            is_list = name in ("search_path", "DateStyle")
            spelled = sql.SQL(value) if is_list else sql.Literal(value)
            target = sql.SQL(".").join(map(sql.Identifier, name.split(".")))
            connection.execute(sql.SQL("alter {} set {} = {}").format(whom, target, spelled))
