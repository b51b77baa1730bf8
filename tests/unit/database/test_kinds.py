"""The table of settings: each kind's can be told to every server we support, in one message."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from pgflow_runtime import database
from pgflow_runtime.database.kinds import READABLE
from pgflow_runtime.database.pinning import pinning

KINDS = [
    kind for name in database.__all__ if isinstance(kind := getattr(database, name), database.ConnectionKind)
]


def _statement(kind: database.ConnectionKind, version: int) -> bytes:
    return pinning(kind, cast(Any, SimpleNamespace(server_version=version * 10_000 + 3, backend_pid=4711)))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_kind_pins_what_statements_and_values_rest_on(kind: database.ConnectionKind) -> None:
    names = set(kind.settings)
    assert set(READABLE) <= names
    assert kind.settings["default_transaction_isolation"] == "read committed"
    text = " ".join([*names, *kind.settings.values()])
    assert "'" not in text
    assert "\\" not in text


@pytest.mark.parametrize("version", [15, 16, 17, 18])
def test_a_server_is_told_only_what_it_knows(version: int) -> None:
    statement = _statement(database.ENGINE, version)
    assert (b"'transaction_timeout'" in statement) == (version >= 17)
    assert b"4711" in statement
