"""Validators, serializers, computed fields, private attributes."""

import re
from datetime import date
from functools import cached_property
from typing import Annotated, Any, ClassVar, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    StringConstraints,
    computed_field,
    field_serializer,
    field_validator,
    model_validator,
)

from pgflow_runtime import Flow


def not_blank(value: str) -> str:
    if not value.strip():
        raise ValueError("blank")
    return value


Slug = Annotated[
    str, StringConstraints(strip_whitespace=True, to_lower=True, pattern=r"^[a-z0-9-]+$", max_length=50)
]
NonBlank = Annotated[str, AfterValidator(not_blank)]
Tags = Annotated[list[str], BeforeValidator(lambda value: value), Field(max_length=3)]


class Article(BaseModel):
    model_config = ConfigDict(validate_assignment=True, str_strip_whitespace=True)

    pattern: ClassVar[re.Pattern[str]] = re.compile("x")

    slug: Slug
    title: NonBlank
    tags: Tags = Field(default_factory=list)
    published: date | None = None
    views: int = 0
    _cache: dict[str, Any] = PrivateAttr(default_factory=dict)
    _dirty: bool = False

    @field_validator("title", mode="before")
    @classmethod
    def strip(cls, value: object) -> object:
        return value.strip() if isinstance(value, str) else value

    @field_validator("tags")
    @classmethod
    def unique(cls, value: list[str]) -> list[str]:
        return sorted(set(value))

    @model_validator(mode="after")
    def check(self) -> Self:
        if self.published is not None and self.views < 0:
            raise ValueError("views")
        return self

    @computed_field  # type: ignore[prop-decorator]
    @property
    def url(self) -> str:
        return f"/articles/{self.slug}"

    @cached_property
    def words(self) -> int:
        return len(self.title.split())

    @field_serializer("published")
    def iso(self, value: date | None) -> str | None:
        return value.isoformat() if value else None


articles = Flow[Article]("articles")


@articles.step
def publish(flow_input: Article) -> Article:
    return flow_input.model_copy(update={"views": 1})
