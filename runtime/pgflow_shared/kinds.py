"""The kinds of steps: how each is declared, what it is in SQL, and how many tasks it has.

Adding one is a row here and a word in ``StepKind``; its behaviour follows where its columns are read.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

StepKind: TypeAlias = Literal["step", "array", "map", "loop", "signal", "sleep", "pick"]
StepType: TypeAlias = Literal["single", "map"]
SqlKind: TypeAlias = Literal["task", "loop", "signal", "sleep", "subflow", "pick"]


class Kind(NamedTuple):
    """A kind of step."""

    name: StepKind
    """The decorator's, ``@flow.step``; of a step without a handler, its class's in small letters."""
    sql_type: StepType
    """``pgflow.steps.step_type``."""
    tasks: Literal["one", "one an element", "none"]
    dot: str
    """Its shape in a picture by Graphviz."""
    mermaid: tuple[str, str]
    """Its brackets in a picture by Mermaid."""
    returns_list: bool = False
    """Whether the handler itself must return a list."""
    sql_kind: SqlKind = "task"
    """``pgflow.steps.kind``; part of the structure where it is not ``task``."""
    is_written: bool = True
    """Whether people write such steps; else the compiler does, in companions."""

    @property
    def is_map(self) -> bool:
        """Whether it goes over the elements of an array, and its output is the list of theirs."""
        return self.tasks == "one an element"

    @property
    def has_handler(self) -> bool:
        """Whether a decorator makes it of a function; else it is called into being, ``Signal(flow, ...)``."""
        return self.tasks != "none"

    @property
    def written(self) -> str:
        """How it is written down, for messages and pages."""
        return f"@flow.{self.name}" if self.has_handler else f"{self.name.capitalize()}(...)"


KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("step", "single", "one", "box", ('["', '"]')),
        Kind("array", "single", "one", "parallelogram", ('[/"', '"/]'), returns_list=True),
        Kind("map", "map", "one an element", "box3d", ('[["', '"]]')),
        Kind("loop", "single", "one", "hexagon", ('{{"', '"}}'), sql_kind="loop"),
        Kind("signal", "single", "none", "cds", ('>"', '"]'), sql_kind="signal"),
        Kind("sleep", "single", "none", "ellipse", ('(["', '"])'), sql_kind="sleep"),
        Kind("pick", "single", "none", "plain", ('("', '")'), sql_kind="pick", is_written=False),
    )
}
WRITTEN: dict[str, Kind] = {kind.name: kind for kind in KINDS.values() if kind.is_written}
"""Those that may stand in a module of flows."""
DECORATORS: dict[str, StepKind] = {kind.name: kind.name for kind in KINDS.values() if kind.has_handler}
"""What decorators are called, and their kinds."""
WAITS: dict[str, StepKind] = {
    kind.name.capitalize(): kind.name for kind in WRITTEN.values() if not kind.has_handler
}
"""The classes of steps without a handler, and their kinds."""
