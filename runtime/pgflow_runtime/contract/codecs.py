"""Both ways over a boundary, for one contract, and what a refusal on the way is called.

What makes the functions is imported where a value is converted at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pgflow_runtime.contract.boundary import MAX_DEPTH, join
from pgflow_runtime.contract.typed_schema import Convert, Definitions, Schema, Unconvertible
from pgflow_runtime.errors import BoundaryError

if TYPE_CHECKING:
    from pgflow_runtime.contract.decoding import Decoders
    from pgflow_runtime.contract.encoding import Encoders


class Codecs:
    """Makes functions that raise BoundaryError, with the path; None where a value stays as it is."""

    def __init__(self, definitions: Mapping[str, Any], *, with_classes: bool = False) -> None:
        self.definitions = definitions
        self._with_classes = with_classes
        """Whether callers have classes, as handlers do."""
        self._types = Definitions(definitions)

    def decode(self, schema: Schema, root: str) -> Convert | None:
        """From what is on the wire, and fits the schema, to classes. Raises ProjectError for lost ones."""
        if not self._types.is_converted(schema):
            return None
        return _explained(self._decoders.of(schema), root)

    def encode(self, schema: Schema, root: str) -> Convert | None:
        """To what is on the wire; what cannot be is left for the schema to refuse."""
        if not self._types.is_converted(schema):
            return None
        return _explained(self._encoders.of(schema), root)

    def read(self, schema: Schema, root: str) -> Convert | None:
        """From what is on the wire to what callers have: objects stay, texts become what they stand for."""
        if self._with_classes:
            return self.decode(schema, root)
        if not self._types.is_converted(schema) or (reader := self._readers.of(schema)) is None:
            return None
        return _explained(reader, root)

    @cached_property
    def _decoders(self) -> Decoders:
        from pgflow_runtime.contract.decoding import Decoders

        return Decoders(self.definitions, with_classes=True)

    @cached_property
    def _readers(self) -> Decoders:
        from pgflow_runtime.contract.decoding import Decoders

        return Decoders(self.definitions, with_classes=False)

    @cached_property
    def _encoders(self) -> Encoders:
        from pgflow_runtime.contract.encoding import Encoders

        return Encoders(self.definitions)


def _explained(convert: Convert | None, root: str) -> Convert:
    assert convert is not None

    def converted(value: Any) -> Any:
        try:
            return convert(value)
        except Unconvertible as refused:
            path = root
            for part in refused.path:
                path = join(path, part)
            raise BoundaryError(path, refused.reason) from refused.__cause__
        except RecursionError as error:
            raise BoundaryError(root, f"is nested deeper than {MAX_DEPTH} levels") from error

    return converted
