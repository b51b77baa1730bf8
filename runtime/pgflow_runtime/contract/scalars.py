"""Times, UUIDs, decimals, bytes and paths at a boundary, where they are texts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pgflow_runtime.contract.typed_schema import Unconvertible
from pgflow_shared.scalars import SCALARS


def encoder(kind: str) -> Callable[[Any], Any]:
    """What makes a text of a value; a text passes, for whoever sends may send what is on the wire."""
    scalar = SCALARS[kind]
    type_, encode = scalar.type, scalar.encode

    def dump(value: Any) -> Any:
        if not isinstance(value, type_):
            return value
        try:
            return encode(value)
        except ValueError as error:
            raise Unconvertible(str(error)) from error

    return dump


def decoder(kind: str) -> Callable[[Any], Any]:
    """What makes a value of a text, and passes over what is none."""
    decode = SCALARS[kind].decode

    def make(text: Any) -> Any:
        if type(text) is not str:
            return text
        try:
            return decode(text)
        except (ValueError, ArithmeticError) as error:
            raise Unconvertible(f"is no {kind}: {error}") from error

    return make
