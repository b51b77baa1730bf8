"""What executor= and resources= do not accept."""

from pgflow_runtime import Flow, Signal

crunch = Flow[int]("crunch", executor="proces")  # E
other = Flow[int]("other", resources={"gpus": "one"})  # E


@other.step(executor="spark")  # E
def wrong_word(flow_input: int) -> int:
    return flow_input


@other.step(resources=["gpu"])  # E
def no_amounts(flow_input: int) -> int:
    return flow_input


@other.step(executors="dask")  # E
def wrong_name(flow_input: int) -> int:
    return flow_input


approved = Signal[int](other, "approved", executor="process")  # E
