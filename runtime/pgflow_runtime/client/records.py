"""``TypedDict`` as generated modules declare theirs with: before Python 3.12 pydantic takes no other."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import TypedDict
else:
    try:  # psycopg brings it along where Python is older than 3.13
        from typing_extensions import TypedDict
    except ImportError:
        from typing import TypedDict

__all__ = ["TypedDict"]
