"""Groups as bytes; flows that stay bytes until somebody asks for more than their names and places."""

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
from pgflow_gen.incremental.results import Group, Serialized, SerializedFlow
from pgflow_gen.ir.flow import FlowKey, FlowSpec
from pgflow_gen.ir.types import TypeTable

_encode, _decode = msgspec.msgpack.encode, msgspec.msgpack.decode


class LazyFlow(FlowSpec):
    """A flow out of the cache, equal to the one that went in. What is below is decoded at first use."""

    __slots__ = ("_body", "_flow", "_needs_others", "_signals", "_step_count")
    _step_count: int
    _signals: tuple[str, ...]
    _needs_others: bool
    _body: bytes
    _flow: FlowSpec | None

    def __init__(self, serialized: SerializedFlow) -> None:
        put = object.__setattr__
        put(self, "slug", serialized.slug)
        put(self, "version", serialized.version)
        put(self, "key", FlowKey(serialized.module, serialized.name))
        put(self, "span", Span(*serialized.span))
        put(self, "slug_span", Span(*serialized.slug_span))
        put(self, "_step_count", serialized.step_count)
        put(self, "_signals", tuple(serialized.signals))
        put(self, "_needs_others", serialized.needs_others)
        put(self, "_body", serialized.body)
        put(self, "_flow", None)

    @property
    def step_count(self) -> int:
        return self._step_count

    @property
    def signals(self) -> tuple[str, ...]:
        return self._signals

    @property
    def needs_others(self) -> bool:
        return self._needs_others

    def loaded(self) -> FlowSpec:
        """The flow as it was."""
        found = self._flow
        if found is None:
            found = decode_flow(_decode(self._body))
            object.__setattr__(self, "_flow", found)
        return found

    def __eq__(self, other: object) -> bool:
        return self.loaded() == (other.loaded() if isinstance(other, LazyFlow) else other)

    def __hash__(self) -> int:
        return hash(self.loaded())

    def __reduce__(self) -> Any:
        raise TypeError("a flow of the cache stays in its process")


def _lazy(name: str) -> property:
    def read(flow: LazyFlow) -> Any:
        return getattr(flow.loaded(), name)

    return property(read)


for _name in (
    "input",
    "steps",
    "options",
    "schedules",
    "companions",
    "companion_of",
    "doc",
    "preset",
    "outputs",
    "leads_to",
    "version_span",
    "input_span",
):
    setattr(LazyFlow, _name, _lazy(_name))


def serialize(group: Group) -> Serialized:
    """``group`` as bytes; raises ValueError, TypeError or OverflowError for what no bytes can hold."""
    if group.serialized is None:
        table = types_of(group)
        group.serialized = Serialized(
            tuple(map(_serialized_flow, group.flows)),
            tuple(
                (_encode(encode_key(key)), _encode(encode_record(record)))
                for key, record in table.records.items()
            ),
            tuple(
                (_encode(encode_key(key)), _encode(encode_alias(alias)))
                for key, alias in table.aliases.items()
            ),
        )
    return group.serialized


def types_of(group: Group) -> TypeTable:
    """The types that the group's flows mention."""
    if group.known_types is None:
        assert group.serialized is not None
        records = (decode_record(_decode(data)) for _, data in group.serialized.records)
        aliases = (decode_alias(_decode(data)) for _, data in group.serialized.aliases)
        group.known_types = TypeTable(
            {record.key: record for record in records}, {alias.key: alias for alias in aliases}
        )
    return group.known_types


def _serialized_flow(flow: FlowSpec) -> SerializedFlow:
    return SerializedFlow(
        flow.slug,
        flow.version,
        flow.key.module,
        flow.key.name,
        encode_span(flow.span),
        encode_span(flow.slug_span),
        flow.step_count,
        flow.signals,
        flow.needs_others,
        _encode(encode_flow(flow)),
    )
