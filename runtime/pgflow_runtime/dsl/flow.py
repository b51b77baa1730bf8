"""``Flow``: a flow's definition, and the decorators that add steps to it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar, Unpack, cast, overload

from pgflow_runtime.dsl.decorators import ArrayDecorator, CtxElem, Elem, MapDecorator, PosElem, StepDecorator
from pgflow_runtime.dsl.options import (
    FLOW_OPTIONS,
    MAP_OPTIONS,
    STEP_OPTIONS,
    DefinitionError,
    FlowOptions,
    MapOptions,
    StepOptions,
    check_options,
    check_slug,
)
from pgflow_runtime.dsl.steps import AsyncMapStep, AsyncStep, MapStep, Step, StepKind, SyncStep, make_step
from pgflow_shared.slugs import RESERVED_FOR_STEPS

P = ParamSpec("P")
T = TypeVar("T")
E = TypeVar("E")
In = TypeVar("In")


class Flow(Generic[In]):
    """A flow: ``crawl = Flow[CrawlInput]("crawl", max_attempts=3)``.

    ``In`` is the type of a run's input (``Flow[None]``: none). Options are defaults for all steps; see
    ``FlowOptions``. The decorators ``step``, ``array`` and ``map`` work bare and called and leave the handler
    a plain callable.

    Raises:
        TypeError: an option that does not exist, or a slug that is no string.
        DefinitionError: a slug or version that cannot be one.
    """

    def __init__(self, slug: str, **options: Unpack[FlowOptions]) -> None:
        check_options("Flow(...)", options, FLOW_OPTIONS)
        self.slug = check_slug("flow", slug, reserved=frozenset({"run"}))
        self.options: Mapping[str, Any] = {k: v for k, v in options.items() if k != "version"}
        self.version = _check_version(options.get("version", 1))
        self.steps: dict[str, Step[Any]] = {}

    @property
    def db_slug(self) -> str:
        """The flow's slug in the database: version n > 1 of ``crawl`` is ``crawl_v<n>``."""
        return self.slug if self.version == 1 else f"{self.slug}_v{self.version}"

    @overload
    def step(  # type: ignore[overload-overlap]
        self,
        h: Callable[P, Awaitable[T]],  # pyright: ignore[reportOverlappingOverload]
        /,
    ) -> AsyncStep[P, T]: ...
    @overload
    def step(self, h: Callable[P, T], /) -> SyncStep[P, T]: ...
    @overload
    def step(self, /, **options: Unpack[StepOptions]) -> StepDecorator: ...
    def step(self, h: Any = None, /, **options: Any) -> Any:
        """Add a step that runs once. Its parameters name its inputs; ``depends_on`` only orders."""
        return self._decorate("step", h, options)

    @overload
    def array(self, h: Callable[P, Awaitable[list[T]]], /) -> AsyncStep[P, list[T]]: ...
    @overload
    def array(self, h: Callable[P, list[T]], /) -> SyncStep[P, list[T]]: ...
    @overload
    def array(self, /, **options: Unpack[StepOptions]) -> ArrayDecorator: ...
    def array(self, h: Any = None, /, **options: Any) -> Any:
        """Add a step that runs once and must return a list, which a map can take up."""
        return self._decorate("array", h, options)

    @overload
    def map(  # type: ignore[overload-overlap]
        self: Flow[list[E]],
        h: CtxElem[E, P, Awaitable[T]],  # pyright: ignore[reportOverlappingOverload]
        /,
    ) -> AsyncMapStep[P, T]: ...
    @overload
    def map(  # type: ignore[overload-overlap]
        self: Flow[list[E]],
        h: Elem[E, P, Awaitable[T]],  # pyright: ignore[reportOverlappingOverload]
        /,
    ) -> AsyncMapStep[P, T]: ...
    @overload
    def map(  # type: ignore[overload-overlap]
        self: Flow[list[E]],
        h: PosElem[E, P, Awaitable[T]],  # pyright: ignore[reportOverlappingOverload]
        /,
    ) -> AsyncMapStep[Concatenate[E, P], T]: ...
    @overload
    def map(self: Flow[list[E]], h: CtxElem[E, P, T], /) -> MapStep[P, T]: ...
    @overload
    def map(self: Flow[list[E]], h: Elem[E, P, T], /) -> MapStep[P, T]: ...
    @overload
    def map(self: Flow[list[E]], h: PosElem[E, P, T], /) -> MapStep[Concatenate[E, P], T]: ...
    @overload
    def map(self: Flow[list[E]], /, **options: Unpack[MapOptions]) -> MapDecorator[E]: ...
    @overload
    def map(self, /, *, array: Step[list[E]], **options: Unpack[MapOptions]) -> MapDecorator[E]: ...
    @overload
    def map(self, /, *, array: str, **options: Unpack[MapOptions]) -> MapDecorator[Any]: ...
    def map(self, h: Any = None, /, **options: Any) -> Any:
        """Add a step that runs once per element of ``array``'s output (without it, of the flow's input)."""
        return self._decorate("map", h, options)

    def _decorate(self, kind: StepKind, handler: Any, options: dict[str, Any]) -> Any:
        known = MAP_OPTIONS if kind == "map" else STEP_OPTIONS
        check_options(f"@{self.slug}.{kind}", options, known)
        for name in ("depends_on", "array"):
            _check_step_names(f"@{self.slug}.{kind}", name, options.get(name))
        if handler is not None:
            return self._add(kind, handler, options)
        return MapDecorator[Any](lambda h: self._add(kind, h, options))

    def _add(self, kind: StepKind, handler: Any, options: dict[str, Any]) -> Step[Any]:
        where = f"@{self.slug}.{kind}"
        if isinstance(handler, Step):
            raise DefinitionError(f"{where} above {handler!r}: one function is one step of one flow")
        if not callable(handler) or not hasattr(handler, "__qualname__"):
            raise TypeError(
                f"{where} decorates a function, not {handler!r}; options are named: {where}(slug=...)"
            )
        slug = check_slug("step", options.get("slug", handler.__name__), reserved=RESERVED_FOR_STEPS)
        known = self.steps.get(slug)
        if known is not None:
            raise DefinitionError(
                f"flow {self.slug!r} has a step {slug!r} already, {known.module}.{known.function}: "
                f"give {handler.__module__}.{handler.__qualname__} another name or a slug=..."
            )
        step = make_step(self, slug, kind, handler, {k: v for k, v in options.items() if k != "slug"})
        self.steps[slug] = step
        return step

    def __repr__(self) -> str:
        return f"<flow {self.db_slug!r}: {', '.join(self.steps) or 'no steps'}>"


def output(step: Step[T], /) -> T:
    """What dependents of ``step`` receive, for the generated wiring that mypy reads; it is never run."""
    raise NotImplementedError(f"output({step!r}) exists for type checkers only")


def _check_version(version: object) -> int:
    if isinstance(version, bool) or not isinstance(version, int):
        raise TypeError(f"version= is an integer, not {version!r}")
    if version < 1:
        raise DefinitionError(f"version={version}: versions count from 1")
    return version


def _check_step_names(where: str, option: str, value: object) -> None:
    if value is None or (option == "array" and isinstance(value, str | Step)):
        return
    if option == "array":
        raise TypeError(f"{where}: array= is a step or a step's slug, not {value!r}")
    if not isinstance(value, list | tuple):
        raise TypeError(f"{where}: depends_on= is a list of steps or slugs, not {value!r}")
    for name in cast("Sequence[object]", value):
        if not isinstance(name, str | Step):
            raise TypeError(f"{where}: depends_on= lists steps or slugs, not {name!r}")
