"""Every generated name that flows and steps give rise to; that no two of them are one is 215's business.

Stems name modules, documents and schemas; a class prefix starts a flow's classes; a step's starts its types.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pgflow_gen.ir.flow import FlowKey, FlowSpec
from pgflow_gen.light_dataclass import dataclass
from pgflow_gen.names import public_name, py_ident


def stems(flows: Sequence[FlowSpec]) -> Mapping[FlowKey, str]:
    """Each flow's module: ``crawl`` for the highest version, ``crawl_v1`` for older ones."""
    highest: dict[str, int] = {}
    for flow in flows:
        highest[flow.slug] = max(flow.version, highest.get(flow.slug, flow.version))
    return {
        flow.key: py_ident(flow.slug)
        if flow.version == highest[flow.slug]
        else f"{flow.slug}_v{flow.version}"
        for flow in flows
    }


@dataclass(frozen=True, slots=True)
class FlowNames:
    """The names a flow's module defines for the flow itself. Older versions keep the plain names there."""

    prefix: str

    @classmethod
    def of(cls, flow: FlowSpec) -> FlowNames:
        return cls.for_stem(flow.slug)

    @classmethod
    def for_stem(cls, stem: str) -> FlowNames:
        return cls(public_name("Flow", stem))

    @property
    def input(self) -> str:
        return f"{self.prefix}Input"

    @property
    def output(self) -> str:
        return f"{self.prefix}Output"

    @property
    def run(self) -> str:
        return f"{self.prefix}Run"

    @property
    def async_run(self) -> str:
        return f"Async{self.prefix}Run"

    def all(self) -> tuple[str, ...]:
        return ("CONTRACT", self.input, self.output, self.run, self.async_run)


def step_names(slug: str) -> tuple[str, str]:
    """The names of a step's input and output types."""
    prefix = public_name("Step", slug)
    return (f"{prefix}Input", f"{prefix}Output")


def payload_name(slug: str) -> str:
    """The name of what is sent to a signal."""
    return f"{public_name('Step', slug)}Payload"
