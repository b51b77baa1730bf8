"""PGF302: a type at a step boundary that JSON does not have."""

from __future__ import annotations

from pgflow_gen.checks.rule import Rule

RULE = Rule(
    code="PGF302",
    title="type is not JSON",
    text="""\
Whatever crosses a step boundary is stored as JSON and comes back as JSON: str, int, float, bool, None,
list, dict with str keys, Literal, unions, TypedDict and JsonValue; beyond JSON, as objects, lists and texts,
tuples, sets, NamedTuples, dataclasses, pydantic models, attrs classes, msgspec.Structs, enums, datetime,
date, time, timedelta, UUID, Decimal, bytes and Path. Anything else would come back as something else, or not
at all: convert it at the boundary. Of a union
with classes or enums it must be certain which member a value is of: by its JSON type, by a Literal tag or by
a required key that the other has not. `Any` and `object` pass with a warning, for nobody checks them.

Of a model the compiler reads fields, defaults and bounds. Its validators, and `__post_init__`, it cannot see:
they run when a value arrives, and what one refuses fails the task without a retry, with the path to it.""",
    bad="""\
from fractions import Fraction

from pgflow_runtime import Flow

shares = Flow[None]("shares")


@shares.step
def half() -> Fraction:
    return Fraction(1, 2)
""",
    good="""\
from fractions import Fraction

from pgflow_runtime import Flow

shares = Flow[None]("shares")


@shares.step
def half() -> str:
    return str(Fraction(1, 2))
""",
)
