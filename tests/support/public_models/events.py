"""Events as a discriminated union, as webhooks send them."""

from datetime import datetime
from enum import Enum
from typing import Annotated, Literal, Union

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter

from pgflow_runtime import Flow


class EventBase(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    id: str
    created: datetime


class EventType(str, Enum):
    PUSH = "push"
    RELEASE = "release"


class Push(EventBase):
    type: Literal[EventType.PUSH] = EventType.PUSH
    ref: str
    commits: list[str] = Field(default_factory=list, max_length=20)


class Release(EventBase):
    type: Literal[EventType.RELEASE] = EventType.RELEASE
    tag: str = Field(pattern=r"^v\d+\.\d+\.\d+$")


class Star(EventBase):
    type: Literal["star", "unstar"]
    at: AwareDatetime | None = None


Event = Annotated[Union[Push, Release, Star], Field(discriminator="type")]
ADAPTER: TypeAdapter[Event] = TypeAdapter(Event)


class Delivery(BaseModel):
    events: list[Event]
    retries: Annotated[int, Field(ge=0, le=5)] = 0


events = Flow[Delivery]("events")


@events.array
def split(flow_input: Delivery) -> list[Event]:
    return flow_input.events


@events.map(array=split)
def handle(event: Event) -> str:
    return event.id
