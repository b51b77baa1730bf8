"""The types of the decorators in their called form: what makes editors see through them.

``_Elem`` and ``_CtxElem`` are the trick that checks a map's element type *and* keeps the handler's own
signature: an overloaded ``__call__`` in a Protocol is an intersection, so a handler must match both its own
parameters (bound to ``P``) and "an element first".
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Concatenate, Generic, ParamSpec, Protocol, TypeAlias, TypeVar, overload

from pgflow_runtime.dsl.again import Again
from pgflow_runtime.dsl.context import Context
from pgflow_runtime.dsl.steps import (
    AsyncLoopStep,
    AsyncMapStep,
    AsyncStep,
    AsyncSubflowStep,
    AsyncValueMapStep,
    AsyncValueStep,
    LoopStep,
    MapStep,
    SubflowStep,
    SyncStep,
    ValueMapStep,
    ValueStep,
)

P = ParamSpec("P")
T = TypeVar("T")
E = TypeVar("E")
Sub = TypeVar("Sub")
T_co = TypeVar("T_co", covariant=True)
E_contra = TypeVar("E_contra", contravariant=True)
C = TypeVar("C", bound=Context)
C_contra = TypeVar("C_contra", bound=Context, contravariant=True)


class Elem(Protocol[E_contra, P, T_co]):  # pyright: ignore[reportInvalidTypeVarUse]
    """A map handler whose first parameter takes the element."""

    @overload
    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> T_co: ...
    @overload
    def __call__(self, element: E_contra, /, *args: Any, **kwargs: Any) -> Any: ...


class CtxElem(Protocol[C_contra, E_contra, P, T_co]):  # pyright: ignore[reportInvalidTypeVarUse]
    """A map handler that takes the context, plain or a preset's, first and the element second."""

    @overload
    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> T_co: ...
    @overload
    def __call__(self, ctx: C_contra, element: E_contra, /, *args: Any, **kwargs: Any) -> Any: ...


PosElem: TypeAlias = Callable[Concatenate[E, P], T]
"""A map handler with a positional-only element: mypy matches no Protocol with it beside other parameters."""


class StepDecorator(Protocol):
    """``@flow.step(...)``, ``@flow.undo(...)`` and ``@flow.end(...)``."""

    @overload
    def __call__(  # type: ignore[overload-overlap]
        self,
        h: Callable[P, Awaitable[T]],  # pyright: ignore[reportOverlappingOverload]
        /,
    ) -> AsyncStep[P, T]: ...
    @overload
    def __call__(self, h: Callable[P, T], /) -> SyncStep[P, T]: ...


class ArrayDecorator(Protocol):
    """``@flow.array(...)``."""

    @overload
    def __call__(self, h: Callable[P, Awaitable[list[T]]], /) -> AsyncStep[P, list[T]]: ...
    @overload
    def __call__(self, h: Callable[P, list[T]], /) -> SyncStep[P, list[T]]: ...


class ValueDecorator(Protocol):
    """``@flow.step(when_exhausted="value")``."""

    @overload
    def __call__(  # type: ignore[overload-overlap]
        self,
        h: Callable[P, Awaitable[T]],  # pyright: ignore[reportOverlappingOverload]
        /,
    ) -> AsyncValueStep[P, T]: ...
    @overload
    def __call__(self, h: Callable[P, T], /) -> ValueStep[P, T]: ...


class ValueArrayDecorator(Protocol):
    """``@flow.array(when_exhausted="value")``."""

    @overload
    def __call__(self, h: Callable[P, Awaitable[list[T]]], /) -> AsyncValueStep[P, list[T]]: ...
    @overload
    def __call__(self, h: Callable[P, list[T]], /) -> ValueStep[P, list[T]]: ...


class LoopDecorator(Protocol):
    """``@flow.loop(...)``. ``Again[Any]``, because mypy finds no ``S`` in the union ``Again[S] | T``."""

    @overload
    def __call__(  # type: ignore[overload-overlap]
        self,
        h: Callable[P, Awaitable[Again[Any] | T]],  # pyright: ignore[reportOverlappingOverload]
        /,
    ) -> AsyncLoopStep[P, T]: ...
    @overload
    def __call__(self, h: Callable[P, Again[Any] | T], /) -> LoopStep[P, T]: ...


class MapDecorator(Generic[E]):  # a class, not a Protocol: E has no variance to complain about
    """``@flow.map(...)`` over elements of type ``E``."""

    def __init__(self, register: Callable[[Any], Any]) -> None:
        self._register = register

    @overload
    def __call__(  # type: ignore[overload-overlap]
        self,
        h: CtxElem[C, E, P, Awaitable[T]],  # pyright: ignore[reportOverlappingOverload]
        /,
    ) -> AsyncMapStep[P, T]: ...
    @overload
    def __call__(  # type: ignore[overload-overlap]
        self,
        h: Elem[E, P, Awaitable[T]],  # pyright: ignore[reportOverlappingOverload]
        /,
    ) -> AsyncMapStep[P, T]: ...
    @overload
    def __call__(  # type: ignore[overload-overlap]
        self,
        h: PosElem[E, P, Awaitable[T]],  # pyright: ignore[reportOverlappingOverload]
        /,
    ) -> AsyncMapStep[Concatenate[E, P], T]: ...
    @overload
    def __call__(self, h: CtxElem[C, E, P, T], /) -> MapStep[P, T]: ...
    @overload
    def __call__(self, h: Elem[E, P, T], /) -> MapStep[P, T]: ...
    @overload
    def __call__(self, h: PosElem[E, P, T], /) -> MapStep[Concatenate[E, P], T]: ...
    def __call__(self, h: Any, /) -> Any:
        return self._register(h)


class ValueMapDecorator(Generic[E]):
    """``@flow.map(when_exhausted="value")`` over elements of type ``E``."""

    def __init__(self, register: Callable[[Any], Any]) -> None:
        self._register = register

    @overload
    def __call__(  # type: ignore[overload-overlap]
        self,
        h: CtxElem[C, E, P, Awaitable[T]],  # pyright: ignore[reportOverlappingOverload]
        /,
    ) -> AsyncValueMapStep[P, T]: ...
    @overload
    def __call__(  # type: ignore[overload-overlap]
        self,
        h: Elem[E, P, Awaitable[T]],  # pyright: ignore[reportOverlappingOverload]
        /,
    ) -> AsyncValueMapStep[P, T]: ...
    @overload
    def __call__(  # type: ignore[overload-overlap]
        self,
        h: PosElem[E, P, Awaitable[T]],  # pyright: ignore[reportOverlappingOverload]
        /,
    ) -> AsyncValueMapStep[Concatenate[E, P], T]: ...
    @overload
    def __call__(self, h: CtxElem[C, E, P, T], /) -> ValueMapStep[P, T]: ...
    @overload
    def __call__(self, h: Elem[E, P, T], /) -> ValueMapStep[P, T]: ...
    @overload
    def __call__(self, h: PosElem[E, P, T], /) -> ValueMapStep[Concatenate[E, P], T]: ...
    def __call__(self, h: Any, /) -> Any:
        return self._register(h)


class SubflowDecorator(Generic[Sub]):
    """``@flow.step(subflow=flow)``, of a flow whose input is a ``Sub``."""

    def __init__(self, register: Callable[[Any], Any]) -> None:
        self._register = register

    @overload
    def __call__(  # type: ignore[overload-overlap]
        self, h: Callable[P, Awaitable[Sub]], /
    ) -> AsyncSubflowStep[P, Sub]: ...
    @overload
    def __call__(self, h: Callable[P, Sub], /) -> SubflowStep[P, Sub]: ...
    def __call__(self, h: Any, /) -> Any:
        return self._register(h)


class SubflowMapDecorator(Generic[E, Sub]):
    """``@flow.map(subflow=flow)`` over elements of type ``E``."""

    def __init__(self, register: Callable[[Any], Any]) -> None:
        self._register = register

    @overload
    def __call__(  # type: ignore[overload-overlap]
        self, h: CtxElem[C, E, P, Awaitable[Sub]], /
    ) -> AsyncSubflowStep[P, Sub]: ...
    @overload
    def __call__(  # type: ignore[overload-overlap]
        self, h: Elem[E, P, Awaitable[Sub]], /
    ) -> AsyncSubflowStep[P, Sub]: ...
    @overload
    def __call__(  # type: ignore[overload-overlap]
        self, h: PosElem[E, P, Awaitable[Sub]], /
    ) -> AsyncSubflowStep[Concatenate[E, P], Sub]: ...
    @overload
    def __call__(self, h: CtxElem[C, E, P, Sub], /) -> SubflowStep[P, Sub]: ...
    @overload
    def __call__(self, h: Elem[E, P, Sub], /) -> SubflowStep[P, Sub]: ...
    @overload
    def __call__(self, h: PosElem[E, P, Sub], /) -> SubflowStep[Concatenate[E, P], Sub]: ...
    def __call__(self, h: Any, /) -> Any:
        return self._register(h)


class NamedSubflowDecorator(Protocol):
    """``@flow.step(subflow="slug")``: what the other flow takes is for the compiler to say."""

    @overload
    def __call__(  # type: ignore[overload-overlap]
        self,
        h: Callable[P, Awaitable[T]],  # pyright: ignore[reportOverlappingOverload]
        /,
    ) -> AsyncSubflowStep[P, T]: ...
    @overload
    def __call__(self, h: Callable[P, T], /) -> SubflowStep[P, T]: ...


class NamedSubflowMapDecorator(Generic[E]):
    """``@flow.map(subflow="slug")`` over elements of type ``E``."""

    def __init__(self, register: Callable[[Any], Any]) -> None:
        self._register = register

    @overload
    def __call__(  # type: ignore[overload-overlap]
        self,
        h: CtxElem[C, E, P, Awaitable[T]],  # pyright: ignore[reportOverlappingOverload]
        /,
    ) -> AsyncSubflowStep[P, T]: ...
    @overload
    def __call__(  # type: ignore[overload-overlap]
        self,
        h: Elem[E, P, Awaitable[T]],  # pyright: ignore[reportOverlappingOverload]
        /,
    ) -> AsyncSubflowStep[P, T]: ...
    @overload
    def __call__(  # type: ignore[overload-overlap]
        self,
        h: PosElem[E, P, Awaitable[T]],  # pyright: ignore[reportOverlappingOverload]
        /,
    ) -> AsyncSubflowStep[Concatenate[E, P], T]: ...
    @overload
    def __call__(self, h: CtxElem[C, E, P, T], /) -> SubflowStep[P, T]: ...
    @overload
    def __call__(self, h: Elem[E, P, T], /) -> SubflowStep[P, T]: ...
    @overload
    def __call__(self, h: PosElem[E, P, T], /) -> SubflowStep[Concatenate[E, P], T]: ...
    def __call__(self, h: Any, /) -> Any:
        return self._register(h)
