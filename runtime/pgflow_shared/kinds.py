"""The kinds of steps: how each is declared, what it is in SQL, and how many tasks it has.

Adding one is a row here and a word in ``StepKind``; its behaviour follows where its columns are read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

StepKind: TypeAlias = Literal["step", "array", "map"]
StepType: TypeAlias = Literal["single", "map"]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of step."""

    name: StepKind
    """The decorator's: ``@flow.step``."""
    sql_type: StepType
    """``pgflow.steps.step_type``."""
    tasks: Literal["one", "one an element"]
    dot: str
    """Its shape in a picture by Graphviz."""
    mermaid: tuple[str, str]
    """Its brackets in a picture by Mermaid."""
    returns_list: bool = False
    """Whether the handler itself must return a list."""

    @property
    def is_map(self) -> bool:
        """Whether it goes over the elements of an array, and its output is the list of theirs."""
        return self.tasks == "one an element"


KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("step", "single", "one", "box", ('["', '"]')),
        Kind("array", "single", "one", "parallelogram", ('[/"', '"/]'), returns_list=True),
        Kind("map", "map", "one an element", "box3d", ('[["', '"]]')),
    )
}
