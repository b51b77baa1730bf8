"""Where handlers run, on flows and on every kind of step with a handler; types of steps stay what they are."""

from typing import assert_type

from pgflow_runtime import Again, Flow

crunch = Flow[list[int]]("crunch", executor="process")
mixed = Flow[int]("mixed", executor=None, resources={"cpus": 1})


@crunch.map(executor="dask", resources={"gpus": 1, "memory": 8_000_000_000})
def one(number: int) -> int:
    return number


@crunch.array(executor=None)
async def rows(flow_input: list[int]) -> list[int]:
    return flow_input


@crunch.loop(max_rounds=3, executor="ray")
def poll(flow_input: list[int]) -> Again[None] | int:
    return 1


@mixed.step(executor="process", when_exhausted="value")
def tolerated(flow_input: int) -> int:
    return flow_input


@mixed.step(subflow=crunch, executor="process")
def started(flow_input: int) -> list[int]:
    return [flow_input]


assert_type(one(1), int)
assert_type(tolerated(1), int)
