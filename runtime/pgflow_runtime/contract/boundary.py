"""Python values on their way to JSON: what may cross, and the bytes.

What leaves is validated and never converted; what arrives has its numbers as typed (``numerals``). The JSON
libraries turn NaN into null and let sets, tuples and odd keys through in silence, so every value passes
``require_json`` first: a quick sweep level by level, and only for a value it refuses a second walk that
knows the path.
"""

from __future__ import annotations

from enum import Enum
from math import isfinite
from typing import Any

import msgspec

from pgflow_runtime.errors import BoundaryError
from pgflow_runtime.runs.documents import why_unreadable

MAX_DEPTH = 500
"""Levels of nested lists and objects, the limit of specification/worker-and-client.md, "Boundaries"."""
MAX_BYTES = 16 * 1024 * 1024
"""Default size limit of one value's JSON text in UTF-8."""

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode
_PLAIN = (int, bool, type(None))


def encode(value: object, max_bytes: int = MAX_BYTES, *, root: str = "output") -> str:
    """The value's JSON text. Raises BoundaryError for what JSON or jsonb cannot hold, or for its size."""
    require_json(value, root=root)
    return to_json(value, max_bytes, root=root)


def to_json(value: object, max_bytes: int = MAX_BYTES, *, root: str = "output") -> str:
    """``encode`` for a value that passed ``require_json`` already."""
    try:
        data = _encode(value)
    except (TypeError, ValueError, ArithmeticError, RecursionError, MemoryError) as error:
        raise BoundaryError(root, f"cannot be written as JSON ({error})") from error
    if len(data) > max_bytes:
        raise BoundaryError(
            root,
            f"is too large: {len(data):,} bytes of JSON, the limit is {max_bytes:,}",
            help="store large data elsewhere and hand over where it is",
        )
    return data.decode()


def decode(text: bytes | str, *, root: str = "input") -> Any:
    """The value of a JSON text of the database. Raises BoundaryError for one that Python cannot hold."""
    try:
        return _decode(text)
    except (ValueError, RecursionError, MemoryError) as error:
        raise BoundaryError(root, why_unreadable(error, len(text)), help=_UNREADABLE_HELP) from error


_UNREADABLE_HELP = "PostgreSQL holds numbers and nesting that Python does not: send them as texts, or flatter"


def require_json(value: object, *, root: str = "output") -> None:
    """Raise BoundaryError, with the path, for a value JSON or jsonb cannot carry as it is."""
    if not _is_clean(value):
        fault = _first_fault(value, root)
        if fault is not None:
            raise BoundaryError(*fault)


def _is_clean(value: object) -> bool:
    level: list[Any] = [value]
    for depth in range(MAX_DEPTH + 1):
        children: list[Any] = []
        texts: list[str] = []
        for item in level:
            kind = type(item)
            if kind is str:
                texts.append(item)
            elif kind is list:
                children += item
            elif kind is dict:
                for key in item:
                    if type(key) is not str:
                        return False
                texts += item
                children += item.values()
            elif kind is float:
                if not isfinite(item):
                    return False
            elif kind not in _PLAIN:
                return False
        if texts and not _is_storable("".join(texts)):
            return False
        if not children:
            return True
        if depth == MAX_DEPTH - 1 and any(isinstance(child, (dict, list)) for child in children):
            return False
        level = children
    return False


def _is_storable(text: str) -> bool:
    """PostgreSQL's text and jsonb hold neither NUL nor half of a surrogate pair."""
    if "\0" in text:
        return False
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _first_fault(value: object, root: str) -> tuple[str, str] | None:
    """Path and reason of the first fault; None for rare values that do fit (enums, subclasses of dict)."""
    pending: list[tuple[object, str, int]] = [(value, root, 0)]
    while pending:
        item, path, depth = pending.pop()
        reason = _container_fault(item, depth) if isinstance(item, (dict, list)) else _scalar_fault(item)
        if reason is not None:
            return path, reason
        if isinstance(item, dict):
            pending += [(child, join(path, key), depth + 1) for key, child in reversed(item.items())]
        elif isinstance(item, list):
            pending += [(child, join(path, index), depth + 1) for index, child in enumerate(item)][::-1]
    return None


def _container_fault(value: dict[Any, Any] | list[Any], depth: int) -> str | None:
    if depth >= MAX_DEPTH:
        return f"is nested deeper than {MAX_DEPTH} levels"
    for key in value if isinstance(value, dict) else ():
        if type(key) is not str:
            return f"has the key {_show(key)}; keys must be str"
        if not _is_storable(key):
            return f"has a key with a NUL or a lone surrogate: {_show(key)}"
    return None


def _scalar_fault(value: object) -> str | None:
    if isinstance(value, Enum) and isinstance(value, (str, int)):
        value = value.value
    kind = type(value)
    if kind is str:
        assert isinstance(value, str)
        return None if _is_storable(value) else f"holds a NUL or a lone surrogate: {_show(value)}"
    if kind is float:
        assert isinstance(value, float)
        return None if isfinite(value) else f"is {value}, which JSON does not have"
    if kind in _PLAIN:
        return None
    return f"is of type {kind.__qualname__}, which is not JSON{_hint(value)}"


def _hint(value: object) -> str:
    if isinstance(value, tuple):
        return "; return a list"
    if isinstance(value, (set, frozenset)):
        return "; return a sorted list"
    for base in (str, int, float):
        if isinstance(value, base):
            return f"; wrap it in {base.__name__}(...)"
    return ""


def join(path: str, part: str | int) -> str:
    """``path`` with one more key or index: ``input.urls[3]``, ``input['odd key']``."""
    if isinstance(part, int):
        return f"{path}[{part}]"
    return f"{path}.{part}" if part.isidentifier() else f"{path}[{_show(part)}]"


def _show(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
