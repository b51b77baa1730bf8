from pgflow_runtime import Flow

one = Flow[list[int]]("one")
two = Flow[list[int]]("two")
three = Flow[list[int]]("three")
bounded = Flow[list[int]]("bounded")
above = Flow[list[int]]("above")


@one.step(subflow=one)
def again(flow_input: list[int]) -> list[int]:
    return flow_input


@two.step(subflow="three")
def there(flow_input: list[int]) -> list[int]:
    return flow_input


@three.map(subflow=two, when_exhausted="value")
def back(number: int) -> list[int]:
    return [number]


@bounded.step(subflow=bounded, max_depth=16)
def deeper(flow_input: list[int]) -> list[int]:
    return flow_input


@bounded.step(subflow=bounded, max_depth=17)
def deepest(flow_input: list[int]) -> list[int]:
    return flow_input


@above.step(subflow=two)
def starts_a_circle(flow_input: list[int]) -> list[int]:
    return flow_input
