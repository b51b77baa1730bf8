"""Structs of an HTTP client."""

from typing import Annotated, Any, Generic, Optional, TypeVar, Union

import msgspec
from msgspec import Meta, Struct

from pgflow_runtime import Flow

T = TypeVar("T")
PositiveInt = Annotated[int, Meta(gt=0)]
UnixName = Annotated[str, Meta(min_length=1, max_length=32, pattern="^[a-z_][a-z0-9_-]*$")]


class Base(Struct, kw_only=True, forbid_unknown_fields=True):
    pass


class Author(Base, frozen=True):
    name: UnixName
    email: Optional[str] = None


class Commit(Base, omit_defaults=True):
    sha: Annotated[str, Meta(description="of it all")]
    author: Author
    parents: list[str] = []
    stats: dict[str, PositiveInt] = msgspec.field(default_factory=dict)
    verified: bool = False


class Response(Struct, Generic[T], array_like=False):
    data: T
    next: Union[str, None] = None


git = Flow[Commit]("msgspec_api")


@git.step
def fetch(flow_input: Commit) -> Response[list[Commit]]:
    return Response([flow_input])
