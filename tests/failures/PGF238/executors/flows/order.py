from pgflow_runtime import Context, Flow

order = Flow[int]("order", executor="process", resources={"gpus": 1})
wide = Flow[int]("wide", executor="dask", resources={"memory": 8_000_000_000, "GPU": 0.5})


@order.step(executor="process", transactional=True)
def charge(ctx: Context, flow_input: int) -> int:
    return flow_input


@order.step(transactional=True)
def inherits_nothing(ctx: Context, charge: int) -> int:
    return charge


@order.step(executor=None, transactional=True)
def here(ctx: Context, charge: int) -> int:
    return charge


@order.step(resources={"cpus": 2})
def no_cluster(charge: int) -> int:
    return charge


@wide.step
def anywhere(flow_input: int) -> int:
    return flow_input


@wide.step(executor="ray", resources={"cpus": 2})
def ray(flow_input: int) -> int:
    return flow_input


@wide.step(executor=None)
def in_the_worker(flow_input: int) -> int:
    return flow_input


@wide.step(executor=None, resources={"cpus": 2})
def needs_in_the_worker(flow_input: int) -> int:
    return flow_input


@wide.step(executor="proces")
def near_miss(flow_input: int) -> int:
    return flow_input


@wide.step(executor="spark", resources={"cpus": 2})
def no_such_executor(flow_input: int) -> int:
    return flow_input


@wide.step(resources={"cpus": -1})
def negative(flow_input: int) -> int:
    return flow_input


@wide.step(resources={"cpus": "2"})
def no_number(flow_input: int) -> int:
    return flow_input


@wide.step(resources=["gpu"])
def no_names(flow_input: int) -> int:
    return flow_input


@wide.step(executor=0)
def no_text(flow_input: int) -> int:
    return flow_input
