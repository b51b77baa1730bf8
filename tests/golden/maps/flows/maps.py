"""A map over the input, a map over a map, elements by place and by name."""

from collections.abc import Sequence
from typing import TypedDict

from pgflow_runtime import Context, Flow


class Point(TypedDict):
    x: float
    y: float


maps = Flow[list[Point]]("maps")


@maps.map
def shift(point: Point, /, flow_input: list[Point]) -> Point:
    return {"x": point["x"] - flow_input[0]["x"], "y": point["y"]}


@maps.map(array=shift)
async def norm(ctx: Context, point: Point) -> float:
    return point["x"] ** 2 + point["y"] ** 2


@maps.map(array="norm")
def sign(value: float) -> bool:
    return value > 0


@maps.step
def positive(sign: Sequence[bool], norm: Sequence[int | float]) -> int:
    return sum(sign) + len(norm)
