"""Children: the runs that tasks of a run start and wait for, as their parent knows them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias
from uuid import UUID

from pgflow_shared.options import MAX_DEPTH

Json: TypeAlias = Any
ChildKey: TypeAlias = tuple[str, int, int]
"""The step, the index of the task and the attempt that started the child."""

_TOO_DEEP = re.compile(r'(ChildFailed: the child run \S+ of flow "\w+" has failed: )*SubflowTooDeep: ')


@dataclass(frozen=True)
class Subflow:
    """The flow that does a step's work."""

    slug: str
    max_depth: int | None = None


class Child(Protocol):
    """A run, as its parent sees it."""

    @property
    def id(self) -> UUID: ...
    @property
    def flow(self) -> str: ...
    @property
    def status(self) -> str: ...
    @property
    def output(self) -> Json: ...
    @property
    def error(self) -> str | None: ...
    @property
    def reason(self) -> str | None: ...

    def cancel(self, reason: str | None) -> str: ...
    def retry(self, *, waits: bool = False) -> str: ...
    def settle(self) -> bool: ...


@dataclass
class Children:
    """Of one run. What happens to a child is told to its parent later, and the other way round."""

    flows: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    """The steps of the flows that there are, by slug."""
    depth: int = 0
    """How deep the run itself was started."""
    all: dict[ChildKey, Child] = field(default_factory=dict)
    ended: list[ChildKey] = field(default_factory=list)
    """Of these the run has to hear."""
    are_left: bool = False
    """Some may be under way that nobody waits for any more."""
    are_wanted: bool = False
    """Some that ended badly are waited for again."""

    @property
    def is_open(self) -> bool:
        """Whether the run has to hear of one, or to see to some."""
        return bool(self.ended) or self.are_left or self.are_wanted

    def refusal(self, subflow: Subflow, input: Json) -> tuple[str, bool] | None:
        """Why a child cannot be started, and whether that may pass."""
        steps, depth = self.flows.get(subflow.slug), self.depth + 1
        if steps is None:
            words = f'SubflowMissing: the flow "{subflow.slug}" is not in this database; apply its migration'
            return words, True
        deep = f"SubflowTooDeep: a run would start another one {depth} deep, and"
        if depth > MAX_DEPTH:
            return f"{deep} at most {MAX_DEPTH} are allowed", False
        if subflow.max_depth is not None and depth > subflow.max_depth:
            return f"{deep} max_depth of the step is {subflow.max_depth}", False
        if not isinstance(input, list) and any(step.array_slug == "" for step in steps):
            words = f'SubflowInput: the flow "{subflow.slug}" goes over its input, which must be an array'
            return words, False
        return None


def why_failed(child: Child) -> str:
    """What the task says whose child did not complete."""
    if child.status == "cancelled":
        reason = f": {child.reason}" if child.reason else ""
        return f'ChildCancelled: the child run {child.id} of flow "{child.flow}" was cancelled{reason}'
    error = "no reason given" if child.error is None else child.error
    return f'ChildFailed: the child run {child.id} of flow "{child.flow}" has failed: {error}'


def may_go_better(child: Child) -> bool:
    """Whether another attempt may help: not where runs have started each other without an end."""
    return child.status == "failed" and _TOO_DEEP.match(child.error or "") is None


def why_left(parent: UUID, status: str) -> str:
    """The reason for which a child is cancelled that nobody waits for."""
    done = {"failed": "has failed", "cancelled": "was cancelled"}.get(status, "goes on without it")
    return f"nobody waits for it: the run {parent} that started it {done}"
