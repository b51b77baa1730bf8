"""PGF302: a type at a step boundary that JSON does not have."""

from __future__ import annotations

from pgflow_gen.checks.rule import Rule

RULE = Rule(
    code="PGF302",
    title="type is not JSON",
    text="""\
Whatever crosses a step boundary is stored as JSON and comes back as JSON: str, int, float, bool, None,
list, dict with str keys, Literal, unions, TypedDict, dataclasses, enums and JsonValue. Tuples and sets would
come back as lists; dates, UUIDs and Decimals as nothing at all: convert them at the boundary. Of a union
with classes or enums it must be certain which member a value is of: by its JSON type, by a Literal tag or by
a required key that the other has not. `Any` and `object` pass with a warning, for nobody checks them.""",
    bad="""\
from datetime import datetime

from pgflow_runtime import Flow

clock = Flow[None]("clock")


@clock.step
def now() -> datetime:
    return datetime.now()
""",
    good="""\
from datetime import datetime

from pgflow_runtime import Flow

clock = Flow[None]("clock")


@clock.step
def now() -> str:
    return datetime.now().isoformat()
""",
)
