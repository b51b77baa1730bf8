"""JSON as PostgreSQL's jsonb keeps it: keys in its order, numbers exact, nothing that it cannot hold.

In memory a stored number is a ``Decimal``, so that values compare as in the database: 1 equals 1.0, and True
does not equal 1.
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any, TypeAlias

Stored: TypeAlias = "dict[str, Stored] | list[Stored] | str | bool | Decimal | None"

MOST_WHOLE_DIGITS = 131_072
MOST_FRACTION_DIGITS = 16_383
"""What a numeric can hold before and after the point."""


def store(text: str) -> Stored:
    """The value of a JSON text, as it is stored.

    Raises:
        ValueError: it is no JSON, or holds what jsonb cannot: a NUL, half of a surrogate pair, a number that
            is too large or too long.
    """
    value: Any = json.loads(text, parse_int=_number, parse_float=_number, parse_constant=_refuse)
    return _in_order(value)


def text_of(value: Stored) -> str:
    """The text that PostgreSQL shows of a stored value."""
    parts: list[str] = []
    _write(value, parts)
    return "".join(parts)


def normalised(text: str) -> str:
    """A JSON text after a stay in the database. Raises ValueError like ``store``."""
    return text_of(store(text))


def _number(text: str) -> Decimal:
    number = Decimal(text)
    sign, digits, power = number.as_tuple()
    exponent = int(power)  # a letter stands for what is no number, which JSON cannot write
    if not number:
        sign = 0  # numeric has no negative zero
        digits = (0,)
        exponent = min(exponent, 0)
    if len(digits) + exponent > MOST_WHOLE_DIGITS:
        raise ValueError(f"jsonb cannot hold a number as large as {_short(text)}")
    if -exponent > MOST_FRACTION_DIGITS:
        raise ValueError(f"jsonb cannot hold as many decimals as in {_short(text)}")
    return Decimal((sign, digits, exponent))


def _short(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:37]}..."


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def _in_order(value: Any) -> Stored:
    if isinstance(value, dict):
        items = {_storable(key): _in_order(item) for key, item in value.items()}
        return {key: items[key] for key in sorted(items, key=_place)}
    if isinstance(value, list):
        return [_in_order(item) for item in value]
    if isinstance(value, str):
        return _storable(value)
    stored: Stored = value
    return stored


def _place(key: str) -> tuple[int, bytes]:
    data = key.encode()
    return len(data), data


def _storable(text: str) -> str:
    if "\0" in text:
        raise ValueError("jsonb cannot hold a NUL: \\u0000")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("jsonb cannot hold half of a surrogate pair") from None
    return text


def _write(value: Stored, parts: list[str]) -> None:
    if isinstance(value, dict):
        parts.append("{")
        for number, (key, item) in enumerate(value.items()):
            parts.append(f"{', ' if number else ''}{json.dumps(key, ensure_ascii=False)}: ")
            _write(item, parts)
        parts.append("}")
    elif isinstance(value, list):
        parts.append("[")
        for number, item in enumerate(value):
            if number:
                parts.append(", ")
            _write(item, parts)
        parts.append("]")
    elif isinstance(value, Decimal):
        parts.append(format(value, "f"))
    else:
        parts.append(json.dumps(value, ensure_ascii=False))
