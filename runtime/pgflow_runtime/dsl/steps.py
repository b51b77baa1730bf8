"""What a decorated handler becomes: still the plain callable it was, and a step that others can refer to."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from types import MappingProxyType
from typing import Any, Generic, Literal, ParamSpec, Protocol, TypeAlias, TypeVar, cast

from pgflow_runtime.dsl.replacement import Replacement, returning

P = ParamSpec("P")
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

StepKind: TypeAlias = Literal["step", "array", "map"]


class FlowOfStep(Protocol):
    """A ``Flow``, as its steps know it."""

    slug: str
    version: int
    steps: dict[str, Step[Any]]


class Step(Generic[T_co]):
    """A step of a flow. ``T_co`` is what dependents receive: a list of the handler's results for a map.

    Calling it calls the handler, unchanged: a sync handler returns its value, an async one a coroutine.
    ``__name__``, ``__doc__``, ``__wrapped__`` and the signature are the handler's own.

    Attributes:
        flow: the flow it belongs to.
        slug: its name in the flow and in the database.
        kind: the decorator that made it.
        handler: the undecorated function.
        options: the options as written, without ``slug`` (read-only).
    """

    __name__: str
    flow: FlowOfStep
    slug: str
    kind: StepKind
    handler: Callable[..., Any]
    options: Mapping[str, Any]

    def __init__(
        self,
        flow: FlowOfStep,
        slug: str,
        kind: StepKind,
        handler: Callable[..., Any],
        options: Mapping[str, Any],
    ) -> None:
        functools.update_wrapper(cast("Callable[..., Any]", self), handler)
        self.flow = flow
        self.slug = slug
        self.kind = kind
        self.handler = handler
        self.options = MappingProxyType(dict(options))

    @property
    def module(self) -> str:
        """Dotted name of the module that defines the handler."""
        return self.handler.__module__

    @property
    def function(self) -> str:
        """The handler's name in its module."""
        return self.handler.__qualname__

    @property
    def is_async(self) -> bool:
        """Whether the handler was written with ``async def``."""
        return inspect.iscoroutinefunction(inspect.unwrap(self.handler))

    def __reduce__(self) -> str:
        return self.function  # pickled and copied by name, like the function it stands for

    def __repr__(self) -> str:
        return f"<{self.kind} {self.slug!r} of flow {self.flow.slug!r}: {self.module}.{self.function}>"


class SyncStep(Step[T], Generic[P, T]):
    """A step with a ``def`` handler."""

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> T:
        result: T = self.handler(*args, **kwargs)
        return result

    def returns(self, value: T) -> Replacement[Step[Any]]:
        """For ``run_flow(replace=[...])``: the result is this value."""
        return returning(self, value)

    def replaced(self, handler: Callable[P, T | Awaitable[T]]) -> Replacement[Step[Any]]:
        """For ``run_flow(replace=[...])``: this function, sync or async, in the handler's place."""
        return Replacement(self, handler)


class AsyncStep(Step[T], Generic[P, T]):
    """A step with an ``async def`` handler."""

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Coroutine[Any, Any, T]:
        result: Coroutine[Any, Any, T] = self.handler(*args, **kwargs)
        return result

    def returns(self, value: T) -> Replacement[Step[Any]]:
        """For ``run_flow(replace=[...])``: the result is this value."""
        return returning(self, value)

    def replaced(self, handler: Callable[P, T | Awaitable[T]]) -> Replacement[Step[Any]]:
        """For ``run_flow(replace=[...])``: this function, sync or async, in the handler's place."""
        return Replacement(self, handler)


class MapStep(Step[list[T]], Generic[P, T]):
    """A map with a ``def`` handler; dependents get the list of its results."""

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> T:
        result: T = self.handler(*args, **kwargs)
        return result

    def returns(self, value: T) -> Replacement[Step[Any]]:
        """For ``run_flow(replace=[...])``: the result of each of its tasks is this value."""
        return returning(self, value)

    def replaced(self, handler: Callable[P, T | Awaitable[T]]) -> Replacement[Step[Any]]:
        """For ``run_flow(replace=[...])``: this function, sync or async, in the handler's place."""
        return Replacement(self, handler)


class AsyncMapStep(Step[list[T]], Generic[P, T]):
    """A map with an ``async def`` handler; dependents get the list of its results."""

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Coroutine[Any, Any, T]:
        result: Coroutine[Any, Any, T] = self.handler(*args, **kwargs)
        return result

    def returns(self, value: T) -> Replacement[Step[Any]]:
        """For ``run_flow(replace=[...])``: the result of each of its tasks is this value."""
        return returning(self, value)

    def replaced(self, handler: Callable[P, T | Awaitable[T]]) -> Replacement[Step[Any]]:
        """For ``run_flow(replace=[...])``: this function, sync or async, in the handler's place."""
        return Replacement(self, handler)


def make_step(
    flow: FlowOfStep, slug: str, kind: StepKind, handler: Callable[..., Any], options: Mapping[str, Any]
) -> Step[Any]:
    """The step of the class that matches the handler."""
    is_async = inspect.iscoroutinefunction(inspect.unwrap(handler))
    step = _CLASSES[kind == "map", is_async](flow, slug, kind, handler, options)
    mark = getattr(inspect, "markcoroutinefunction", None)  # Python 3.12: inspect sees it too
    if is_async and mark is not None:
        mark(step)
    return step


_CLASSES: dict[tuple[bool, bool], type[Step[Any]]] = {
    (False, False): SyncStep,
    (False, True): AsyncStep,
    (True, False): MapStep,
    (True, True): AsyncMapStep,
}
