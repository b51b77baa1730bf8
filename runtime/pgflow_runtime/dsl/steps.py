"""What a decorated handler becomes: still the plain callable it was, and a step that others can refer to."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from types import MappingProxyType
from typing import Any, ClassVar, Generic, ParamSpec, Protocol, TypeVar, cast

from pgflow_runtime.dsl.again import Again
from pgflow_runtime.dsl.context import Context
from pgflow_runtime.dsl.failed import Failed
from pgflow_runtime.dsl.replacement import Replacement, returning
from pgflow_shared.kinds import StepKind

P = ParamSpec("P")
T = TypeVar("T")
R = TypeVar("R")
T_co = TypeVar("T_co", covariant=True)


class FlowOfStep(Protocol):
    """A ``Flow``, as its steps know it."""

    slug: str
    version: int
    options: Mapping[str, Any]
    steps: dict[str, Step[Any]]
    context_type: ClassVar[type[Context]]
    """What handlers get that ask for their task's context."""

    def add(self, step: Step[Any]) -> None:
        """Add a step under its slug, which must be free. Raises DefinitionError."""


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


class HandledStep(Step[T_co], Generic[T_co, P, R]):
    """A step whose handler takes ``P`` and makes an ``R`` each time it is called."""

    def returns(self, value: R) -> Replacement[Step[Any]]:
        """For ``run_flow(replace=[...])``: the result (of each task, in a map) is this value."""
        return returning(self, value)

    def replaced(self, handler: Callable[P, R | Awaitable[R]]) -> Replacement[Step[Any]]:
        """For ``run_flow(replace=[...])``: this function, sync or async, in the handler's place."""
        return Replacement(self, handler)


class SyncCall(HandledStep[T_co, P, R], Generic[T_co, P, R]):
    """With a ``def`` handler."""

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        result: R = self.handler(*args, **kwargs)
        return result


class AsyncCall(HandledStep[T_co, P, R], Generic[T_co, P, R]):
    """With an ``async def`` handler."""

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Coroutine[Any, Any, R]:
        result: Coroutine[Any, Any, R] = self.handler(*args, **kwargs)
        return result


class SyncStep(SyncCall[T, P, T], Generic[P, T]):
    """A step with a ``def`` handler."""


class AsyncStep(AsyncCall[T, P, T], Generic[P, T]):
    """A step with an ``async def`` handler."""


class MapStep(SyncCall[list[T], P, T], Generic[P, T]):
    """A map with a ``def`` handler; dependents get the list of its results."""


class AsyncMapStep(AsyncCall[list[T], P, T], Generic[P, T]):
    """A map with an ``async def`` handler; dependents get the list of its results."""


class ValueStep(SyncCall[T | Failed, P, T], Generic[P, T]):
    """A step with ``when_exhausted="value"``; dependents get its result, or a ``Failed``."""


class AsyncValueStep(AsyncCall[T | Failed, P, T], Generic[P, T]):
    """The same with an ``async def`` handler."""


class ValueMapStep(SyncCall[list[T | Failed], P, T], Generic[P, T]):
    """A map with ``when_exhausted="value"``; dependents get a list of results and ``Failed``."""


class AsyncValueMapStep(AsyncCall[list[T | Failed], P, T], Generic[P, T]):
    """The same with an ``async def`` handler."""


class LoopStep(SyncCall[T, P, Again[Any] | T], Generic[P, T]):
    """A loop with a ``def`` handler; dependents get what its last round returns."""


class AsyncLoopStep(AsyncCall[T, P, Again[Any] | T], Generic[P, T]):
    """A loop with an ``async def`` handler."""


class SubflowStep(SyncCall[Any, P, T], Generic[P, T]):
    """A step or map whose work another flow does, with a ``def`` handler that returns that flow's input.

    What dependents get is the other flow's output, which only the compiler knows.
    """

    def returns(self, value: Any) -> Replacement[Step[Any]]:
        """For ``run_flow(replace=[...])``: the other flow's output (of each task, in a map) is this value; no
        run of it is started."""
        return returning(self, value, gives_output=True)


class AsyncSubflowStep(AsyncCall[Any, P, T], Generic[P, T]):
    """The same with an ``async def`` handler."""

    def returns(self, value: Any) -> Replacement[Step[Any]]:
        """As of ``SubflowStep``."""
        return returning(self, value, gives_output=True)


def make_step(
    flow: FlowOfStep, slug: str, kind: StepKind, handler: Callable[..., Any], options: Mapping[str, Any]
) -> Step[Any]:
    """The step of the class that matches the handler."""
    is_async = inspect.iscoroutinefunction(inspect.unwrap(handler))
    step = _class(kind, options, is_async=is_async)(flow, slug, kind, handler, options)
    mark = getattr(inspect, "markcoroutinefunction", None)  # Python 3.12: inspect sees it too
    if is_async and mark is not None:
        mark(step)
    return step


def _class(kind: StepKind, options: Mapping[str, Any], *, is_async: bool) -> type[Step[Any]]:
    if kind == "loop":
        return AsyncLoopStep if is_async else LoopStep
    if "subflow" in options:
        return AsyncSubflowStep if is_async else SubflowStep
    return _CLASSES[kind == "map", options.get("when_exhausted") == "value", is_async]


_CLASSES: dict[tuple[bool, bool, bool], type[Step[Any]]] = {
    (False, False, False): SyncStep,
    (False, False, True): AsyncStep,
    (False, True, False): ValueStep,
    (False, True, True): AsyncValueStep,
    (True, False, False): MapStep,
    (True, False, True): AsyncMapStep,
    (True, True, False): ValueMapStep,
    (True, True, True): AsyncValueMapStep,
}
