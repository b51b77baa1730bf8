"""What checks and rendering have made of flows, kept beside the groups that the flows are read in."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TypeVar

import msgspec

from pgflow_gen.incremental.analysis import Analyzed
from pgflow_gen.incremental.linked import started_digests
from pgflow_gen.ir.flow import FlowKey
from pgflow_gen.light_dataclass import dataclass
from pgflow_gen.render import Client, FlowFiles

_CLIENT = "client"
_T = TypeVar("_T")


class _FlowResult(msgspec.Struct, frozen=True, array_like=True):
    is_clean: bool
    """Whether the checks of single flows had nothing to say."""
    files: FlowFiles | None
    rests_on: str = ""
    """Digest of what the flow takes over from those that it starts; empty where it starts none."""


@dataclass(frozen=True, slots=True)
class FlowResults:
    """Of the flows that are read as they were before: which are clean, and their files; and of the client."""

    clean: frozenset[FlowKey]
    files: Mapping[FlowKey, FlowFiles]
    client: Client | None = None

    @classmethod
    def of(cls, analyzed: Analyzed) -> FlowResults:
        clean, files = set[FlowKey](), dict[FlowKey, FlowFiles]()
        rests_on = started_digests(analyzed.analysis)
        for group in analyzed.results.groups.values():
            for name, data in group.extras.items():
                result = _decoded(data, _FlowResult)
                key = _key(name)
                if result is None or result.rests_on != rests_on.get(key, ""):
                    continue
                if result.is_clean:
                    clean.add(key)
                if result.files is not None:
                    files[key] = result.files
        return cls(frozenset(clean), files, _decoded(analyzed.results.extras.get(_CLIENT, b""), Client))

    def store(
        self,
        analyzed: Analyzed,
        clean: Collection[FlowKey],
        files: Mapping[FlowKey, FlowFiles],
        client: Client | None = None,
        *,
        contents: bool = False,
    ) -> None:
        """Put what was made now beside the groups, where it differs from what is there.

        ``contents``: with the flows' files, for another process; they are not kept for another build.
        """
        if client is not None:
            analyzed.results.extras[_CLIENT] = msgspec.msgpack.encode(client)
        rests_on = started_digests(analyzed.analysis)
        for group in analyzed.results.groups.values():
            for flow in group.flows:
                key, own = flow.key, files.get(flow.key)
                own = self.files.get(key) if own is None else own
                if own is not None and own.contents is not None and not contents:
                    own = msgspec.structs.replace(own, contents=None)
                if (key in clean) == (key in self.clean) and own is self.files.get(key):
                    continue
                group.extras[_name(key)] = _encoded(_FlowResult(key in clean, own, rests_on.get(key, "")))


def _name(key: FlowKey) -> str:
    return f"{key.module}:{key.name}"


def _key(name: str) -> FlowKey:
    module, _, own = name.partition(":")
    return FlowKey(module, own)


def _encoded(result: _FlowResult) -> bytes:
    try:
        return msgspec.msgpack.encode(result)
    except (ValueError, TypeError, OverflowError, msgspec.MsgspecError):
        # Very long integers and the like have no place in MessagePack.
        return msgspec.msgpack.encode(_FlowResult(result.is_clean, None, result.rests_on))


def _decoded(data: bytes, type_: type[_T]) -> _T | None:
    try:
        return msgspec.msgpack.decode(data, type=type_)
    except msgspec.MsgspecError:
        return None
