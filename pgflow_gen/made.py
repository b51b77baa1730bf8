"""What checks and rendering have made of single flows, kept beside the groups the flows are read in."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import msgspec

from pgflow_gen.analyze import Analyzed
from pgflow_gen.ir.flow import FlowKey
from pgflow_gen.render import Pages


class _Made(msgspec.Struct, frozen=True, array_like=True):
    is_clean: bool
    """Whether the checks of single flows had nothing to say."""
    pages: Pages | None


@dataclass(frozen=True, slots=True)
class Made:
    """Of the flows that are read as they were before: which are clean, and their pages."""

    clean: frozenset[FlowKey]
    pages: Mapping[FlowKey, Pages]

    @classmethod
    def of(cls, analyzed: Analyzed) -> Made:
        clean, pages = set[FlowKey](), dict[FlowKey, Pages]()
        for group in analyzed.parts.groups.values():
            for name, data in group.extras.items():
                made = _unpacked(data)
                if made is None:
                    continue
                key = _key(name)
                if made.is_clean:
                    clean.add(key)
                if made.pages is not None:
                    pages[key] = made.pages
        return cls(frozenset(clean), pages)

    def keep(self, analyzed: Analyzed, clean: Collection[FlowKey], pages: Mapping[FlowKey, Pages]) -> None:
        """Put what was made now beside the groups, where it differs from what is there."""
        for group in analyzed.parts.groups.values():
            for flow in group.flows:
                key, page = flow.key, pages.get(flow.key)
                page = self.pages.get(key) if page is None else page
                if (key in clean) == (key in self.clean) and page is self.pages.get(key):
                    continue
                group.extras[_name(key)] = _packed(_Made(key in clean, page))


def _name(key: FlowKey) -> str:
    return f"{key.module}:{key.name}"


def _key(name: str) -> FlowKey:
    module, _, own = name.partition(":")
    return FlowKey(module, own)


def _packed(made: _Made) -> bytes:
    try:
        return msgspec.msgpack.encode(made)
    except (ValueError, TypeError, OverflowError, msgspec.MsgspecError):
        # Very long integers and the like have no place in MessagePack.
        return msgspec.msgpack.encode(_Made(made.is_clean, None))


def _unpacked(data: bytes) -> _Made | None:
    try:
        return msgspec.msgpack.decode(data, type=_Made)
    except msgspec.MsgspecError:
        return None
