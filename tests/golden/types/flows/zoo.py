"""Every kind of type that may cross a step's boundary."""

from __future__ import annotations

from typing import Annotated, Generic, Literal, NotRequired, Required, TypeAlias, TypedDict, TypeVar

from pgflow_runtime import Flow, JsonValue
from typing_extensions import ReadOnly

T = TypeVar("T")
Tree: TypeAlias = "dict[str, Tree] | list[Tree] | int"
Legs = Annotated[int, "how many"]
Size = Literal["small", 'the "big" one', "it's", 3, True, None]


class Named(TypedDict):
    name: str


class Animal(Named, total=False):
    legs: Required[Legs]
    size: Size
    parent: Animal | None


class Box(TypedDict, Generic[T]):
    content: T
    more: list[Box[T]]


class Pair(TypedDict, Generic[T]):
    left: Box[T]
    right: T


class Empty(TypedDict):
    pass


class Builtins(TypedDict):
    list: list[str]
    str: NotRequired[dict[str, Literal["x"]]]


Odd = TypedDict("Odd", {"a key": int, "class": "NotRequired[Odd]", "__secret": ReadOnly[bool]})
Half = TypedDict("Half", {"a": int, "b": Required[float]}, total=False)


class ZooInput(TypedDict):
    animals: dict[str, Animal]
    tree: Tree
    boxes: NotRequired[Pair[int] | Box[list[str]] | Box[Animal]]
    odd: ReadOnly[Odd]
    anything: JsonValue


zoo = Flow[ZooInput]("zoo")


@zoo.step
def walk(flow_input: ZooInput) -> Tree:
    return flow_input["tree"]


@zoo.step
def builtins_(flow_input: ZooInput) -> Builtins:
    return {"list": []}


@zoo.step
async def pack(walk: Tree, builtins_: Builtins) -> Pair[Pair[str]]: ...


@zoo.step
async def half(walk: Tree) -> Half | Empty | None:
    return None


@zoo.step
def rest(pack: Pair[Pair[str]], half: Half | Empty | None) -> dict[str, list[JsonValue]]:
    return {}
