"""Structs with other names on the wire."""

import msgspec

from pgflow_runtime import Flow


class Camel(msgspec.Struct, rename="camel"):
    first_name: str
    last_seen_at: int = 0


class Named(msgspec.Struct):
    type_: str = msgspec.field(name="type")
    id_: int = msgspec.field(default=3, name="id")


renamed = Flow[Camel]("renamed")


@renamed.step
def one(flow_input: Camel) -> Named:
    return Named(type_=flow_input.first_name)
