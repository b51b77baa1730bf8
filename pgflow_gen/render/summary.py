"""What migrations, manifest and schemas say of a flow: worked out once, and small enough to be kept."""

from __future__ import annotations

from typing import Any

import msgspec

from pgflow_gen.ir.flow import FlowSpec
from pgflow_gen.ir.structure import structure
from pgflow_gen.ir.types import TypeTable
from pgflow_gen.render.settings.options import settings
from pgflow_gen.render.sql import Script, create_script
from pgflow_shared.structure import structure_hash


class Summary(msgspec.Struct, frozen=True, array_like=True):
    """``structure`` and ``settings`` are JSON; ``head`` and ``body`` the script that creates the flow."""

    structure: Any
    structure_hash: str
    settings: Any
    head: str
    body: str

    @classmethod
    def of(cls, flow: FlowSpec, types: TypeTable) -> Summary:
        shape, script = structure(flow, types), create_script(flow, types)
        return cls(shape, structure_hash(shape), settings(flow), script.head, script.body)

    @property
    def script(self) -> Script:
        return Script(self.head, self.body)
