"""Groups as bytes, and flows that stay packed until somebody asks for more than their names and places."""

from __future__ import annotations

from typing import Any

import msgspec

from pgflow_gen.diagnostics import Span
from pgflow_gen.incremental.codec import (
    decode_alias,
    decode_flow,
    decode_record,
    encode_alias,
    encode_flow,
    encode_key,
    encode_record,
    encode_span,
)
from pgflow_gen.incremental.results import Group, Packed, PackedFlow
from pgflow_gen.ir.flow import FlowKey, FlowSpec
from pgflow_gen.ir.types import TypeTable

_pack, _unpack = msgspec.msgpack.encode, msgspec.msgpack.decode


class KeptFlow(FlowSpec):
    """A flow out of the cache, equal to the one that went in. What is below is unpacked at first use."""

    __slots__ = ("_body", "_step_count", "_whole")
    _step_count: int
    _body: bytes
    _whole: FlowSpec | None

    def __init__(self, packed: PackedFlow) -> None:
        put = object.__setattr__
        put(self, "slug", packed.slug)
        put(self, "version", packed.version)
        put(self, "key", FlowKey(packed.module, packed.name))
        put(self, "span", Span(*packed.span))
        put(self, "slug_span", Span(*packed.slug_span))
        put(self, "_step_count", packed.step_count)
        put(self, "_body", packed.body)
        put(self, "_whole", None)

    @property
    def step_count(self) -> int:
        return self._step_count

    def whole(self) -> FlowSpec:
        """The flow as it was."""
        found = self._whole
        if found is None:
            found = decode_flow(_unpack(self._body))
            object.__setattr__(self, "_whole", found)
        return found

    def __eq__(self, other: object) -> bool:
        return self.whole() == (other.whole() if isinstance(other, KeptFlow) else other)

    def __hash__(self) -> int:
        return hash(self.whole())

    def __reduce__(self) -> Any:
        raise TypeError("a kept flow stays where it is")


def _unpacked(name: str) -> property:
    def read(flow: KeptFlow) -> Any:
        return getattr(flow.whole(), name)

    return property(read)


for _name in ("input", "steps", "options", "doc", "version_span", "input_span"):
    setattr(KeptFlow, _name, _unpacked(_name))


def pack(group: Group) -> Packed:
    """``group`` as bytes; raises ValueError, TypeError or OverflowError for what no bytes can hold."""
    if group.packed is None:
        table = types_of(group)
        group.packed = Packed(
            tuple(map(_packed_flow, group.flows)),
            tuple(
                (_pack(encode_key(key)), _pack(encode_record(record)))
                for key, record in table.records.items()
            ),
            tuple(
                (_pack(encode_key(key)), _pack(encode_alias(alias))) for key, alias in table.aliases.items()
            ),
        )
    return group.packed


def types_of(group: Group) -> TypeTable:
    """The types that the group's flows mention."""
    if group.known_types is None:
        assert group.packed is not None
        records = (decode_record(_unpack(data)) for _, data in group.packed.records)
        aliases = (decode_alias(_unpack(data)) for _, data in group.packed.aliases)
        group.known_types = TypeTable(
            {record.key: record for record in records}, {alias.key: alias for alias in aliases}
        )
    return group.known_types


def _packed_flow(flow: FlowSpec) -> PackedFlow:
    return PackedFlow(
        flow.slug,
        flow.version,
        flow.key.module,
        flow.key.name,
        encode_span(flow.span),
        encode_span(flow.slug_span),
        flow.step_count,
        _pack(encode_flow(flow)),
    )
