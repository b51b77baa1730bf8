"""Users of a web service: base, create, update, public."""

import uuid
from datetime import UTC, datetime

from pydantic import BaseModel, ConfigDict, Field

from pgflow_runtime import Flow


class UserBase(BaseModel):
    email: str = Field(max_length=255, pattern=".+@.+")
    is_active: bool = True
    is_superuser: bool = False
    full_name: str | None = Field(default=None, max_length=255)


class UserCreate(UserBase):
    password: str = Field(min_length=8, max_length=40)


class UserUpdate(UserBase):
    email: str | None = Field(default=None, max_length=255)  # type: ignore[assignment]
    password: str | None = Field(default=None, min_length=8, max_length=40)


class Item(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: uuid.UUID = Field(default_factory=uuid.uuid4)
    title: str = Field(min_length=1, max_length=255)
    description: str | None = Field(default=None, max_length=255)
    created_at: datetime = Field(default_factory=lambda: datetime.now(UTC))


class UserPublic(UserBase):
    id: uuid.UUID
    items: list[Item] = []


class UsersPublic(BaseModel):
    data: list[UserPublic]
    count: int


users = Flow[UserCreate]("users")


@users.step
def create(flow_input: UserCreate) -> UserPublic:
    return UserPublic(id=uuid.uuid4(), email=flow_input.email, items=[Item(title="first")])


@users.step
def update(create: UserPublic) -> UserUpdate:
    return UserUpdate(email=None)


@users.step
def everybody(create: UserPublic) -> UsersPublic:
    return UsersPublic(data=[create], count=1)
