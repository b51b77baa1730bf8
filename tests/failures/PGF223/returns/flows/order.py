from typing import Annotated, Optional, Union

from pgflow_runtime import Again, Flow

order = Flow[str]("order")


@order.loop(max_rounds=3)
def never(flow_input: str) -> bool:
    return True


@order.loop(max_rounds=3)
def endless(flow_input: str) -> Again[None]:
    return Again()


@order.loop(max_rounds=3)
def bare(flow_input: str) -> Again | bool:
    return True


@order.loop(max_rounds=3)
def twice(flow_input: str) -> Again[int] | Again[str] | bool:
    return True


@order.loop(max_rounds=3)
def no_json(flow_input: str) -> Again[complex] | bytearray:
    return bytearray()


@order.loop(max_rounds=3)
def unannotated(flow_input: str):
    return True


@order.step
def no_loop(flow_input: str) -> Again[None] | bool:
    return True


@order.loop(max_rounds=3)
async def quoted(flow_input: str) -> "Again[None] | bool":
    return True


@order.loop(max_rounds=3)
def spelled(flow_input: str) -> Annotated[Union[Again[None], Optional[int]], "x"]:
    return None
