"""Flows that start other flows get to know them, for which all flows of a project must be known.

What such a step comes to is the other flow's output, a record that stands in no module of the project: its
key names the module that is generated of that flow, with a dot in front.
"""

from __future__ import annotations

import json
from collections import ChainMap, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from typing import cast

from pgflow_gen.incremental.codec import encode_alias, encode_record, encode_type
from pgflow_gen.incremental.lazy_flow import LazyFlow
from pgflow_gen.ir.flow import Analysis, Child, FlowKey, FlowSpec, StepSpec, SubflowName
from pgflow_gen.ir.types import Record, RecordRef, TypeKey, TypeTable
from pgflow_gen.render.edges import flow_output
from pgflow_gen.render.python.naming import FlowNames, stems
from pgflow_gen.render.python.records import reachable
from pgflow_shared.digest import digest


def linked(
    analysis: Analysis,
    others: Iterable[FlowSpec] = (),
    own_types: Callable[[FlowKey], TypeTable] | None = None,
) -> Analysis:
    """``analysis`` with what its flows start; ``others`` are known besides, ``own_types`` those of all."""
    if not any(flow.subflows for flow in analysis.flows):
        return analysis
    types_of = own_types or analysis.own_types
    links = _Links((*analysis.flows, *others), types_of or (lambda key: analysis.types))
    records: dict[TypeKey, Record] = {}
    for flow in analysis.flows:
        if flow.subflows:
            records.update(links.types(flow.key).records)
    everything = cast(
        "Mapping[TypeKey, Record]", ChainMap(records, cast("dict[TypeKey, Record]", analysis.types.records))
    )
    return replace(
        analysis,
        flows=tuple(links.flow(flow.key) for flow in analysis.flows),
        types=TypeTable(everything, analysis.types.aliases),
        own_types=links.types,
    )


def started_digests(analysis: Analysis) -> dict[FlowKey, str]:
    """Of each flow that starts others, a digest of all that it takes over from them."""
    return {flow.key: _digest(flow, analysis.types_of(flow)) for flow in analysis.flows if flow.subflows}


def _digest(flow: FlowSpec, types: TypeTable) -> str:
    found: list[object] = []
    for step in flow.steps:
        if step.child is None:
            found.append(None)
            continue
        child = step.child
        keys = reachable(filter(None, (child.input, child.output)), types)
        named = [
            encode_record(types.records[key]) if key in types.records else encode_alias(types.aliases[key])
            for key in keys
        ]
        found.append(
            [encode_type(child.input), encode_type(child.output), child.modules, child.way_back, named]
        )
    return digest(json.dumps(found).encode())


class _Links:
    """Flows by key and by slug, each with the flows that its steps start."""

    def __init__(self, flows: Iterable[FlowSpec], types_of: Callable[[FlowKey], TypeTable]) -> None:
        self._flows: dict[FlowKey, FlowSpec] = {}
        self._slugs: dict[str, FlowSpec] = {}
        for flow in flows:
            self._flows.setdefault(flow.key, flow)
            self._slugs.setdefault(flow.db_slug, flow)
        self._stems = stems(tuple(self._flows.values()))
        self._types_of = types_of
        self.flow = cache(self._flow)
        self.types = cache(self._types)

    def _flow(self, key: FlowKey) -> FlowSpec:
        flow = self._flows[key]
        if not flow.subflows:
            return flow
        return replace(_whole(flow), steps=tuple(self._step(flow, step) for step in flow.steps))

    def _step(self, flow: FlowSpec, step: StepSpec) -> StepSpec:
        child = self._named(step.subflow) if step.subflow is not None else None
        if child is None:
            return step
        modules = [module for each in self._below(child) for module in each.modules]
        is_bounded = step.option("max_depth") is not None or step.hides("max_depth")
        way_back = () if is_bounded else self._way(child, flow)
        return replace(
            step, child=Child(child.input, self._output(child), tuple(dict.fromkeys(modules)), way_back)
        )

    def _types(self, key: FlowKey) -> TypeTable:
        """The types that a flow mentions, and those that come with the flows it starts."""
        own = self._types_of(key)
        below = [flow for flow in self._below(self._flows[key]) if flow.key != key]
        started = [flow for each in self._below(self._flows[key]) for flow in self._started(each)]
        if not started:
            return own
        tables = [own, *(self._types_of(flow.key) for flow in below)]
        records, aliases = dict(own.records), dict(own.aliases)
        for table in tables:
            for name, record in table.records.items():
                records.setdefault(name, record)
            for name, alias in table.aliases.items():
                aliases.setdefault(name, alias)
        merged = TypeTable(records, aliases)
        for flow in started:
            name = self._output(flow).key
            records[name] = Record(name, flow_output(self.flow(flow.key), merged))
        return merged

    def _output(self, flow: FlowSpec) -> RecordRef:
        stem = self._stems[flow.key]
        return RecordRef(TypeKey(f".{stem}", FlowNames.for_stem(stem).output))

    def _named(self, name: SubflowName) -> FlowSpec | None:
        by_key = self._flows.get(name.flow) if name.flow is not None else None
        return by_key or self._slugs.get(name.slug)

    def _started(self, flow: FlowSpec, *, unbounded: bool = False) -> Iterator[FlowSpec]:
        for step in flow.steps if flow.subflows else ():
            if unbounded and step.option("max_depth") is not None:
                continue
            child = self._named(step.subflow) if step.subflow is not None else None
            if child is not None:
                yield child

    def _below(self, flow: FlowSpec) -> tuple[FlowSpec, ...]:
        """The flow, and all that it leads to."""
        found, waiting = {flow.key: flow}, [flow]
        while waiting:
            for child in self._started(waiting.pop()):
                if child.key not in found:
                    found[child.key] = child
                    waiting.append(child)
        return tuple(found.values())

    def _way(self, start: FlowSpec, end: FlowSpec) -> tuple[str, ...]:
        """The slugs on the shortest way from one flow to another by steps without ``max_depth``."""
        ways: dict[FlowKey, tuple[str, ...]] = {start.key: (start.db_slug,)}
        waiting = deque([start])
        while waiting:
            flow = waiting.popleft()
            if flow.key == end.key:
                return ways[flow.key]
            for child in self._started(flow, unbounded=True):
                if child.key not in ways:
                    ways[child.key] = (*ways[flow.key], child.db_slug)
                    waiting.append(child)
        return ()


def _whole(flow: FlowSpec) -> FlowSpec:
    """The flow itself where it came out of a cache and is made of bytes."""
    return flow.loaded() if isinstance(flow, LazyFlow) else flow
