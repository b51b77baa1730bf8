"""What the service and its flows speak of. No handlers: the service needs none of their libraries."""

from pydantic import BaseModel, Field


class Album(BaseModel):
    """What a caller sends: the body of a request, and the input of a run."""

    title: str = Field(min_length=1, max_length=100)
    pictures: list[str] = Field(min_length=1)


class Thumbnail(BaseModel):
    picture: str
    digest: str


class Index(BaseModel):
    title: str
    thumbnails: list[Thumbnail]
