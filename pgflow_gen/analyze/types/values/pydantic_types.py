"""Types of pydantic that are one of ours to type checkers; what else they demand, it checks itself."""

from __future__ import annotations

from collections.abc import Mapping

import libcst as cst

from pgflow_gen.analyze.types.protocol import ReadsTypes
from pgflow_gen.analyze.types.scope import Scope
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


_CONSTRAINED = {
    "conint": "int",
    "confloat": "float",
    "constr": "str",
    "conbytes": "bytes",
    "condecimal": "Decimal",
    "condate": "date",
    "conlist": "list",
    "conset": "set",
    "confrozenset": "frozenset",
}


def constrained(reader: ReadsTypes, node: cst.BaseExpression, scope: Scope) -> str | None:
    """How ``conint(gt=0)`` is written as a type; None for what is no such call."""
    if not isinstance(node, cst.Call):
        return None
    found = reader.symbol(node.func, scope)
    base = _CONSTRAINED.get(found.name) if isinstance(found, External) and _is_pydantic(found) else None
    if base is None:
        return None
    code = scope.module.file.code
    inner = "".join(f"[{code(arg.value)}]" for arg in node.args[:1] if arg.keyword is None)
    bounds = ", ".join(
        f"{arg.keyword.value}={code(arg.value)}" for arg in node.args if arg.keyword is not None
    )
    return f"write Annotated[{base}{inner}, Field({bounds})]"


def pydantic_type(symbol: External) -> TypeExpr | None:
    """The type that a name of pydantic stands for; None for one that is none of ours."""
    return _TYPES.get(symbol.name) if _is_pydantic(symbol) else None


def _is_pydantic(symbol: External) -> bool:
    return symbol.module in ("pydantic", "pydantic.types", "pydantic.networks")
