"""What msgspec calls the fields of a Struct on the wire: by ``rename``, which subclasses inherit."""

from __future__ import annotations

from typing import Literal, TypeAlias

import libcst as cst
import msgspec

from pgflow_gen.analyze.types.classes import base_nodes
from pgflow_gen.analyze.types.generics import argument
from pgflow_gen.analyze.types.protocol import ReadsTypes
from pgflow_gen.analyze.types.scope import Scope
from pgflow_gen.source.names.index import Class
from pgflow_gen.source.names.resolve import Defined

_Rename: TypeAlias = Literal["lower", "upper", "camel", "pascal", "kebab"]
_RENAMES: tuple[_Rename, ...] = ("lower", "upper", "camel", "pascal", "kebab")


def rename_of(
    reader: ReadsTypes, symbol: Defined, seen: frozenset[tuple[str, str]] = frozenset()
) -> cst.BaseExpression | None:
    """The value of ``rename=`` that counts for a class."""
    if symbol.key in seen or not isinstance(symbol.binding, Class):
        return None
    own = argument(symbol.binding.definition.keywords, "rename")
    if own is not None:
        return own
    bases = [reader.symbol(node, Scope(symbol.module)) for node in base_nodes(symbol.binding.definition)]
    found = (rename_of(reader, base, seen | {symbol.key}) for base in bases if isinstance(base, Defined))
    return next((node for node in found if node is not None), None)


def is_known(rename: cst.BaseExpression | None) -> bool:
    """Whether it is none, or one of msgspec's own."""
    if rename is None or (isinstance(rename, cst.Name) and rename.value == "None"):
        return True
    return _word(rename) is not None


def _word(rename: cst.BaseExpression | None) -> _Rename | None:
    text = rename.evaluated_value if isinstance(rename, cst.SimpleString) else None
    return next((word for word in _RENAMES if word == text), None)


def renamed(attribute: str, rename: cst.BaseExpression | None) -> str:
    """The field's name, as msgspec itself makes it."""
    word = _word(rename)
    if word is None:
        return attribute
    struct = msgspec.defstruct("Renamed", [attribute], rename=word)
    return msgspec.structs.fields(struct)[0].encode_name
