"""A resource has the type of what its opener gives, whichever of the four ways it is written in."""

from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import assert_type

from pgflow_runtime import Resource


class Index: ...


@contextmanager
def managed() -> Generator[Index, None, None]:
    yield Index()


@asynccontextmanager
async def managed_async() -> AsyncGenerator[Index, None]:
    yield Index()


async def made_async() -> Index:
    return Index()


def made() -> Index:
    return Index()


one = Resource(managed)
two = Resource(managed_async)
three = Resource(made_async)
four = Resource(made)
assert_type(one.get(), Index)
assert_type(four.get(), Index)


async def test() -> None:
    assert_type(await two.aget(), Index)
    assert_type(await three.aget(), Index)
    with one.override(Index()) as fake:
        assert_type(fake, Index)
