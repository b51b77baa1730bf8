"""Inheritance of every sort: abstract bases, mixins, kw_only, overriding."""

from abc import ABC, abstractmethod
from dataclasses import KW_ONLY, dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar, Final, Protocol

from pydantic import BaseModel, ConfigDict, Field

from pgflow_runtime import Flow


class Timestamped:
    """A mixin without fields."""

    def touched(self) -> bool:
        return True


class HasArea(Protocol):
    def area(self) -> float: ...


@dataclass(kw_only=True)
class Entity(ABC):
    id: int
    created: datetime = field(default_factory=lambda: datetime.now(UTC))

    @abstractmethod
    def area(self) -> float: ...


@dataclass(kw_only=True, slots=True)
class Rectangle(Entity, Timestamped):
    width: float
    height: float = 1.0
    units: ClassVar[str] = "m"

    def area(self) -> float:
        return self.width * self.height


@dataclass
class Job:
    name: str
    _: KW_ONLY
    priority: int = 0
    labels: frozenset[str] = frozenset()
    limits: Final[dict[str, int]] = field(default_factory=dict)


class ApiModel(BaseModel):
    model_config = ConfigDict(extra="forbid", from_attributes=True, populate_by_name=True)

    @classmethod
    def parse(cls, data: dict[str, Any]) -> "ApiModel":
        return cls.model_validate(data)


class Audit(BaseModel):
    created_by: str = "system"


class Document(ApiModel, Audit):
    title: str = Field(alias="documentTitle")
    pages: int = Field(default=1, alias="pageCount", ge=1)


flow = Flow[Job]("inherit")


@flow.step
def measure(flow_input: Job) -> Rectangle:
    return Rectangle(id=1, width=2.0)


@flow.step
def document(measure: Rectangle) -> Document:
    return Document(documentTitle="x")
