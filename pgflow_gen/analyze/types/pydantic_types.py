"""Types of pydantic that are one of ours to type checkers; what else they demand, it checks itself."""

from __future__ import annotations

from collections.abc import Mapping

from pgflow_gen.ir.types import BOOL, FLOAT, INT, STR, BoundedType, JsonType, ScalarType, TypeExpr
from pgflow_gen.source.names.resolve import External

_ABOVE, _BELOW = (("exclusiveMinimum", 0),), (("exclusiveMaximum", 0),)
_FROM, _UP_TO = (("minimum", 0),), (("maximum", 0),)
_TYPES: Mapping[str, TypeExpr] = {
    "PositiveInt": BoundedType(INT, _ABOVE),
    "NegativeInt": BoundedType(INT, _BELOW),
    "NonNegativeInt": BoundedType(INT, _FROM),
    "NonPositiveInt": BoundedType(INT, _UP_TO),
    "PositiveFloat": BoundedType(FLOAT, _ABOVE),
    "NegativeFloat": BoundedType(FLOAT, _BELOW),
    "NonNegativeFloat": BoundedType(FLOAT, _FROM),
    "NonPositiveFloat": BoundedType(FLOAT, _UP_TO),
    "FiniteFloat": FLOAT,
    "StrictInt": INT,
    "StrictFloat": FLOAT,
    "StrictBool": BOOL,
    "StrictStr": STR,
    "EmailStr": STR,
    "JsonValue": JsonType(),
    **dict.fromkeys(("AwareDatetime", "PastDatetime", "FutureDatetime"), ScalarType("datetime")),
    **dict.fromkeys(("PastDate", "FutureDate"), ScalarType("date")),
    **dict.fromkeys(("UUID1", "UUID3", "UUID4", "UUID5"), ScalarType("UUID")),
    **dict.fromkeys(("FilePath", "DirectoryPath", "NewPath"), ScalarType("Path")),
}


def pydantic_type(symbol: External) -> TypeExpr | None:
    """The type that a name of pydantic stands for; None for one that is none of ours."""
    is_pydantic = symbol.module in ("pydantic", "pydantic.types", "pydantic.networks")
    return _TYPES.get(symbol.name) if is_pydantic else None
