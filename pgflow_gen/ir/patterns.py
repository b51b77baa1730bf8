"""What a condition's pattern cannot say of values that are texts on the wire."""

from __future__ import annotations

from typing import Final

MANY_TEXTS: Final = frozenset({"datetime", "time", "timedelta", "Decimal"})
"""One value of these has several texts, of which a pattern would name one."""
DECIDE: Final = "let a step return an object to match, and give the condition to a step that depends on it"
