from pgflow_runtime import Flow, RunEnd

order = Flow[list[int]]("order")


@order.map
def stock(item: int) -> int:
    return item


@order.step
def ship(stock: list[int]) -> int:
    return len(stock)


@order.undo(stock)
def put_back(stock: int) -> None: ...


@order.undo(ship)
def put_back_items(ship: int) -> None: ...


@order.end()
def tell(run_end: RunEnd) -> None: ...


@order.end()
def Tell(run_end: RunEnd) -> None: ...
