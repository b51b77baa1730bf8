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
from pgflow_gen.ir.flow import Analysis, FlowKey, FlowSpec, StepSpec, SubflowName, SubflowTypes
from pgflow_gen.ir.types import Record, RecordRef, TypeKey, TypeTable
from pgflow_gen.names import output_name
from pgflow_gen.render.edges import flow_output
from pgflow_gen.render.python.naming import stems
from pgflow_shared.system.digest import digest


def linked(
    analysis: Analysis,
    others: Iterable[FlowSpec] = (),
    own_types: Callable[[FlowKey], TypeTable] | None = None,
) -> Analysis:
    """``analysis`` with what its flows start; ``others`` are known besides, ``own_types`` those of all."""
    if not any(flow.needs_others for flow in analysis.flows):
        return analysis
    types_of = own_types or analysis.own_types
    links = _Links((*analysis.flows, *others), types_of or (lambda key: analysis.types))
    records: dict[TypeKey, Record] = {}
    for flow in analysis.flows:
        if flow.needs_others:
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
    return {flow.key: _digest(flow, analysis.types_of(flow)) for flow in analysis.flows if flow.needs_others}


def _digest(flow: FlowSpec, types: TypeTable) -> str:
    """A flow's group may mention a type that the flow does not: all there are count."""
    children = [step.child for step in flow.steps]
    found = [
        [
            None if child is None else [encode_type(child.input), encode_type(child.output), child.way_back]
            for child in children
        ],
        [name.slug for name in flow.outputs],
        [encode_record(record) for record in types.records.values()],
        [encode_alias(alias) for alias in types.aliases.values()],
    ]
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
        self._by_stem = {stem: self._flows[key] for key, stem in self._stems.items()}
        self._types_of = types_of
        self.flow = cache(self._flow)
        self.types = cache(self._types)

    def _flow(self, key: FlowKey) -> FlowSpec:
        flow = self._flows[key]
        if not flow.needs_others:
            return flow
        below = [each for each in self._below(flow) if each.key != key]
        return replace(
            _whole(flow),
            steps=tuple(self._step(flow, step) for step in flow.steps),
            outputs=tuple(name for name in flow.outputs if name.slug not in self._by_stem),
            leads_to=tuple(dict.fromkeys(module for each in below for module in each.modules)),
        )

    def _step(self, flow: FlowSpec, step: StepSpec) -> StepSpec:
        child = self._named(step.subflow) if step.subflow is not None else None
        if child is None:
            return step
        is_bounded = step.option("max_depth") is not None or step.hides("max_depth")
        way_back = () if is_bounded else self._way(child, flow)
        return replace(step, child=SubflowTypes(child.input, self._output(self._stems[child.key]), way_back))

    def _types(self, key: FlowKey) -> TypeTable:
        """The types that a flow mentions, and those that come with the flows it starts or mentions."""
        own, flow = self._types_of(key), self._flows[key]
        if not flow.needs_others:
            return own
        below = self._below(flow)
        others = [each for each in below if each.key != key]
        records, aliases = dict(own.records), dict(own.aliases)
        for table in (self._types_of(each.key) for each in others):
            for name, record in table.records.items():
                records.setdefault(name, record)
            for name, alias in table.aliases.items():
                aliases.setdefault(name, alias)
        for stem in {name.slug for each in below for name in each.outputs} - self._by_stem.keys():
            records[self._output(stem).key] = Record(self._output(stem).key, ())
        merged = TypeTable(records, aliases)
        for each in {each.key: each for every in below for each in self._others(every)}.values():
            name = self._output(self._stems[each.key]).key
            records[name] = Record(name, flow_output(self.flow(each.key), merged))
        return merged

    def _output(self, stem: str) -> RecordRef:
        return RecordRef(TypeKey(f".{stem}", output_name(stem)))

    def _named(self, name: SubflowName) -> FlowSpec | None:
        by_key = self._flows.get(name.flow) if name.flow is not None else None
        return by_key or self._slugs.get(name.slug)

    def _started(self, flow: FlowSpec, *, unbounded: bool = False) -> Iterator[FlowSpec]:
        for step in flow.steps if flow.needs_others else ():
            if unbounded and step.option("max_depth") is not None:
                continue
            child = self._named(step.subflow) if step.subflow is not None else None
            if child is not None:
                yield child

    def _others(self, flow: FlowSpec) -> Iterator[FlowSpec]:
        """The flows that a flow starts, and those whose outputs it mentions."""
        yield from self._started(flow)
        for name in flow.outputs if flow.needs_others else ():
            if name.slug in self._by_stem:
                yield self._by_stem[name.slug]

    def _below(self, flow: FlowSpec) -> tuple[FlowSpec, ...]:
        """The flow, and all that it leads to."""
        found, waiting = {flow.key: flow}, [flow]
        while waiting:
            for child in self._others(waiting.pop()):
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
