from pgflow_runtime import Flow, RunEnd

undo = Flow[int]("order__undo")
end = Flow[int]("order__end_tell")
long = Flow[int]("a_flow_whose_slug_leaves_little_room_to", version=12)


@undo.step
def step(flow_input: int) -> int:
    return flow_input


@end.step
def other(flow_input: int) -> int:
    return flow_input


@long.step
def only(flow_input: int) -> int:
    return flow_input


@long.undo(only)
def take_back(only: int) -> None: ...


@long.end()
def tell(run_end: RunEnd) -> None: ...


@undo.end()
def flow_input(run_end: RunEnd) -> None: ...
