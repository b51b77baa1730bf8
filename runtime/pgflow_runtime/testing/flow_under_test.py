"""A flow as a test has it: its contract, how it runs in memory, and what the test wants to be so."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from pgflow_runtime.contract import FlowContract
from pgflow_runtime.dsl import Flow
from pgflow_runtime.dsl.waits import Sent
from pgflow_runtime.testing.attempt import GivenConnections
from pgflow_runtime.testing.engine.companions import Companions
from pgflow_runtime.testing.engine.plan import Plan


@dataclass(frozen=True)
class Circumstances:
    """What a test wants to be so in the runs of a flow. The mappings' keys are slugs of steps."""

    variables: Mapping[str, str]
    connections: GivenConnections
    replaced: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    outputs: frozenset[str] = frozenset()
    """The subflow steps of which that which replaces them gives the output: no child is started."""
    failures: Mapping[str, Sequence[BaseException | None]] = field(default_factory=dict)
    crashes: Mapping[str, int] = field(default_factory=dict)
    signals: Sequence[Sent[Any]] = ()


@dataclass(frozen=True)
class FlowUnderTest:
    """One of the flows of a test."""

    flow: Flow[Any]
    contract: FlowContract
    plan: Plan
    companions: Companions
    given: Circumstances

    @property
    def slug(self) -> str:
        return self.contract.slug


World: TypeAlias = Mapping[str, FlowUnderTest]
"""By slug in the database: the flow that a test is about, those whose runs its runs start,
and the companions of all of these."""
