"""Databases that are not encoded in UTF-8."""

from __future__ import annotations


def what_is_wrong_with(encoding: str | None) -> str:
    """What happens in a database of this encoding, as ``server_encoding`` names it."""
    if encoding == "SQL_ASCII":
        return "it does not know what its letters are, and JSON with \\u escapes beyond ASCII is refused"
    return "a task fails whose output holds letters that this encoding lacks"
