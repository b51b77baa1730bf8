from collections.abc import Callable
from datetime import timezone
from fractions import Fraction
from enum import Flag
from typing import Any, TypedDict
from pathlib import PurePath

from pgflow_runtime import Flow


class Point:
    x: int


class Colour(Flag):
    RED = 1


class Plain:
    pass


class Row(TypedDict):
    when: timezone
    key: PurePath
    fine: str
    parts: list[set[list[str]]]


crawl = Flow[str]("crawl")


@crawl.step
def one(flow_input: str) -> Row: ...


@crawl.step
def two(one: dict) -> list: ...


@crawl.step
def three(one: Any) -> Fraction | None: ...


@crawl.step
def four(flow_input: str) -> Point: ...


@crawl.step
def five(flow_input: str) -> list[Colour]: ...


@crawl.step
def six(flow_input: str) -> dict[int, str]: ...


@crawl.step
def seven(flow_input: str) -> Callable[[], int]: ...


@crawl.step
def eight(flow_input: str) -> set | bytearray: ...


@crawl.step
def nine(flow_input: str) -> Plain: ...


@crawl.step
def ten(flow_input: str) -> object: ...
