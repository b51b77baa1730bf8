"""What dependents receive: the value of a step, the list of a map; the generated wiring relies on it."""

from typing import assert_type

from pgflow_runtime import Flow
from pgflow_runtime.dsl import Step, output

texts = Flow[list[str]]("texts")


@texts.map
async def length(text: str) -> int:
    return len(text)


@texts.map()
def upper(text: str) -> str:
    return text.upper()


@texts.map(array=upper)
def first(text: str) -> str | None:
    return text[:1] or None


@texts.array
async def both(upper: list[str], length: list[int]) -> list[tuple[str, int]]:
    return list(zip(upper, length, strict=True))


@texts.step
async def report(upper: list[str]) -> dict[str, int]:
    return {text: len(text) for text in upper}


assert_type(output(length), list[int])
assert_type(output(upper), list[str])
assert_type(output(first), list[str | None])
assert_type(output(both), list[tuple[str, int]])
assert_type(output(report), dict[str, int])

steps: list[Step[object]] = [length, upper, first, both, report]
