"""What checks and rendering have made of flows, kept beside the groups that the flows are read in."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TypeVar

import msgspec

from pgflow_gen.incremental.analysis import Analyzed
from pgflow_gen.ir.flow import FlowKey
from pgflow_gen.render import Client, Pages

_CLIENT = "client"
_T = TypeVar("_T")


class _Made(msgspec.Struct, frozen=True, array_like=True):
    is_clean: bool
    """Whether the checks of single flows had nothing to say."""
    pages: Pages | None


@dataclass(frozen=True, slots=True)
class Made:
    """Of the flows that are read as they were before: which are clean, and their pages; and of the client."""

    clean: frozenset[FlowKey]
    pages: Mapping[FlowKey, Pages]
    client: Client | None = None

    @classmethod
    def of(cls, analyzed: Analyzed) -> Made:
        clean, pages = set[FlowKey](), dict[FlowKey, Pages]()
        for group in analyzed.parts.groups.values():
            for name, data in group.extras.items():
                made = _decoded(data, _Made)
                if made is None:
                    continue
                key = _key(name)
                if made.is_clean:
                    clean.add(key)
                if made.pages is not None:
                    pages[key] = made.pages
        return cls(frozenset(clean), pages, _decoded(analyzed.parts.extras.get(_CLIENT, b""), Client))

    def keep(
        self,
        analyzed: Analyzed,
        clean: Collection[FlowKey],
        pages: Mapping[FlowKey, Pages],
        client: Client | None = None,
        *,
        contents: bool = False,
    ) -> None:
        """Put what was made now beside the groups, where it differs from what is there.

        ``contents``: with the flows' files, for another process; they are not kept for another build.
        """
        if client is not None:
            analyzed.parts.extras[_CLIENT] = msgspec.msgpack.encode(client)
        for group in analyzed.parts.groups.values():
            for flow in group.flows:
                key, page = flow.key, pages.get(flow.key)
                page = self.pages.get(key) if page is None else page
                if page is not None and page.contents is not None and not contents:
                    page = msgspec.structs.replace(page, contents=None)
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


def _decoded(data: bytes, type_: type[_T]) -> _T | None:
    try:
        return msgspec.msgpack.decode(data, type=type_)
    except msgspec.MsgspecError:
        return None
