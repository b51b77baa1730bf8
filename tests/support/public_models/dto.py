"""Dataclasses of pydantic, and models beside dataclasses."""

from dataclasses import dataclass as std

from pydantic import BaseModel, Field, field_validator
from pydantic.dataclasses import dataclass

from pgflow_runtime import Flow


@std
class Inner:
    a: int = 1


class Outer(BaseModel):
    inner: Inner
    many: dict[str, Inner] = Field(default_factory=dict)


@dataclass
class Checked:
    age: int = Field(ge=0, default=3)
    name: str = "x"
    tags: list[str] = Field(default_factory=list)

    @field_validator("name")
    @classmethod
    def short(cls, value: str) -> str:
        return value[:10]


dto = Flow[Outer]("dto")


@dto.step
def check(flow_input: Outer) -> Checked:
    return Checked(age=flow_input.inner.a)
