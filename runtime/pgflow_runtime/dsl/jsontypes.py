"""The JSON value, as a type that both checkers understand, and pydantic."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias, Union

_MEMBERS = (bool, int, float, str, "list[JsonValue]", "dict[str, JsonValue]", None)

if TYPE_CHECKING:
    JsonValue: TypeAlias = "bool | int | float | str | list[JsonValue] | dict[str, JsonValue] | None"
else:
    try:  # psycopg brings it along where Python has none of its own
        from typing import TypeAliasType
    except ImportError:
        from typing_extensions import TypeAliasType
    # Of one that is no alias by itself, pydantic would never find the end.
    JsonValue = TypeAliasType("JsonValue", Union[_MEMBERS])  # noqa: UP007
