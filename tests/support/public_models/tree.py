"""Trees and graphs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, Optional

from pydantic import BaseModel

from pgflow_runtime import Flow

if TYPE_CHECKING:
    from uuid import UUID as UUID


class Comment(BaseModel):
    text: str
    replies: list[Comment] = []
    parent: Optional["Comment"] = None


Comment.model_rebuild()


@dataclass
class Node:
    name: str
    left: Node | None = None
    right: Node | None = None
    edges: list[Edge] = field(default_factory=list)


@dataclass
class Edge:
    target: Node
    weight: float = 1.0


class Span(NamedTuple):
    start: int
    end: int = -1
    children: tuple[Span, ...] = ()


trees = Flow[Comment]("trees")


@trees.step
def count(flow_input: Comment) -> Node:
    return Node("a", Node("b"), edges=[Edge(Node("c"))])


@trees.step
def spans(count: Node) -> dict[str, Span]:
    return {"a": Span(1, 2, (Span(1),))}
