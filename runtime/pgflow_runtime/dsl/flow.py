"""``Flow``: a flow's definition, and the decorators that add steps to it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, ClassVar, Concatenate, Generic, Literal, ParamSpec, TypeVar, Unpack, cast, overload

from pgflow_runtime.dsl.context import Context
from pgflow_runtime.dsl.decorators import (
    ArrayDecorator,
    CtxElem,
    Elem,
    LoopDecorator,
    MapDecorator,
    NamedSubflowDecorator,
    NamedSubflowMapDecorator,
    PosElem,
    StepDecorator,
    SubflowDecorator,
    SubflowMapDecorator,
    ValueArrayDecorator,
    ValueDecorator,
    ValueMapDecorator,
)
from pgflow_runtime.dsl.options import (
    DefinitionError,
    FlowOptions,
    LoopOptions,
    MapOptions,
    StepOptions,
    SubflowOptions,
    WhenUnmet,
    check_options,
    check_slug,
    check_step_names,
)
from pgflow_runtime.dsl.run_end import EndOn, UndoWhen
from pgflow_runtime.dsl.schedule import CatchUp, Overlap, Schedule
from pgflow_runtime.dsl.steps import (
    AsyncMapStep,
    AsyncStep,
    MapStep,
    Step,
    SyncStep,
    make_step,
)
from pgflow_shared.companions import END_ON, UNDO_WHEN, end_slug, undo_slug
from pgflow_shared.kinds import KINDS, StepKind
from pgflow_shared.slugs import RESERVED_FOR_STEPS

P = ParamSpec("P")
T = TypeVar("T")
C = TypeVar("C", bound=Context)
E = TypeVar("E")
Sub = TypeVar("Sub")
In = TypeVar("In")


class Flow(Generic[In]):
    """A flow: ``crawl = Flow[CrawlInput]("crawl", max_attempts=3)``.

    ``In`` is the type of a run's input (``Flow[None]``: none). Options are defaults for all steps; see
    ``FlowOptions``. The decorators ``step``, ``array`` and ``map`` work bare and called, ``loop`` only
    called; they leave the handler a plain callable.

    Raises:
        TypeError: an option that does not exist, or a slug that is no string.
        DefinitionError: a slug or version that cannot be one.
    """

    preset: ClassVar[str | None] = None
    """The preset whose Flow this is (``pgflow_shared.presets``); None: it runs anywhere."""
    context_type: ClassVar[type[Context]] = Context
    """What handlers get that ask for their task's context."""

    def __init__(self, slug: str, **options: Unpack[FlowOptions]) -> None:
        check_options("Flow(...)", options, "flow")
        self.slug = check_slug("flow", slug, reserved=frozenset({"run"}))
        self.options: Mapping[str, Any] = {k: v for k, v in options.items() if k != "version"}
        self.version = _check_version(options.get("version", 1))
        self.steps: dict[str, Step[Any]] = {}
        self.schedules: dict[str, Schedule] = {}
        self.companions: dict[str, Flow[Any]] = {}
        """The flows of its undos and ends, by their slugs in the database; their steps are the handlers."""
        self.companion_of: Flow[Any] | None = None

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
    def step(
        self,
        /,
        *,
        subflow: Flow[Sub],
        when_exhausted: WhenUnmet | Literal["value"] = "fail",
        **options: Unpack[SubflowOptions],
    ) -> SubflowDecorator[Sub]: ...
    @overload
    def step(
        self,
        /,
        *,
        subflow: str,
        when_exhausted: WhenUnmet | Literal["value"] = "fail",
        **options: Unpack[SubflowOptions],
    ) -> NamedSubflowDecorator: ...
    @overload
    def step(
        self, /, *, when_exhausted: Literal["value"], **options: Unpack[StepOptions]
    ) -> ValueDecorator: ...
    @overload
    def step(
        self, /, *, when_exhausted: WhenUnmet = "fail", **options: Unpack[StepOptions]
    ) -> StepDecorator: ...
    def step(self, h: Any = None, /, **options: Any) -> Any:
        """Add a step that runs once. Its parameters name its inputs; ``depends_on`` only orders.

        With ``subflow`` a run of that flow does the work: the handler returns its input, dependents get its
        output.
        """
        return self._decorate("step", h, options)

    @overload
    def array(self, h: Callable[P, Awaitable[list[T]]], /) -> AsyncStep[P, list[T]]: ...
    @overload
    def array(self, h: Callable[P, list[T]], /) -> SyncStep[P, list[T]]: ...
    @overload
    def array(
        self, /, *, when_exhausted: Literal["value"], **options: Unpack[StepOptions]
    ) -> ValueArrayDecorator: ...
    @overload
    def array(
        self, /, *, when_exhausted: WhenUnmet = "fail", **options: Unpack[StepOptions]
    ) -> ArrayDecorator: ...
    def array(self, h: Any = None, /, **options: Any) -> Any:
        """Add a step that runs once and must return a list, which a map can take up."""
        return self._decorate("array", h, options)

    @overload
    def map(  # type: ignore[overload-overlap]
        self: Flow[list[E]],
        h: CtxElem[C, E, P, Awaitable[T]],  # pyright: ignore[reportOverlappingOverload]
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
    def map(self: Flow[list[E]], h: CtxElem[C, E, P, T], /) -> MapStep[P, T]: ...
    @overload
    def map(self: Flow[list[E]], h: Elem[E, P, T], /) -> MapStep[P, T]: ...
    @overload
    def map(self: Flow[list[E]], h: PosElem[E, P, T], /) -> MapStep[Concatenate[E, P], T]: ...
    @overload
    def map(
        self: Flow[list[E]],
        /,
        *,
        subflow: Flow[Sub],
        when_exhausted: WhenUnmet | Literal["value"] = "fail",
        **options: Unpack[SubflowOptions],
    ) -> SubflowMapDecorator[E, Sub]: ...
    @overload
    def map(
        self: Flow[list[E]],
        /,
        *,
        subflow: str,
        when_exhausted: WhenUnmet | Literal["value"] = "fail",
        **options: Unpack[SubflowOptions],
    ) -> NamedSubflowMapDecorator[E]: ...
    @overload
    def map(
        self,
        /,
        *,
        subflow: Flow[Sub],
        array: Step[list[E]],
        when_exhausted: WhenUnmet | Literal["value"] = "fail",
        **options: Unpack[SubflowOptions],
    ) -> SubflowMapDecorator[E, Sub]: ...
    @overload
    def map(
        self,
        /,
        *,
        subflow: str,
        array: Step[list[E]],
        when_exhausted: WhenUnmet | Literal["value"] = "fail",
        **options: Unpack[SubflowOptions],
    ) -> NamedSubflowMapDecorator[E]: ...
    @overload
    def map(
        self,
        /,
        *,
        subflow: Flow[Sub],
        array: str,
        when_exhausted: WhenUnmet | Literal["value"] = "fail",
        **options: Unpack[SubflowOptions],
    ) -> SubflowMapDecorator[Any, Sub]: ...
    @overload
    def map(
        self,
        /,
        *,
        subflow: str,
        array: str,
        when_exhausted: WhenUnmet | Literal["value"] = "fail",
        **options: Unpack[SubflowOptions],
    ) -> NamedSubflowMapDecorator[Any]: ...
    @overload
    def map(
        self: Flow[list[E]], /, *, when_exhausted: Literal["value"], **options: Unpack[MapOptions]
    ) -> ValueMapDecorator[E]: ...
    @overload
    def map(
        self, /, *, array: Step[list[E]], when_exhausted: Literal["value"], **options: Unpack[MapOptions]
    ) -> ValueMapDecorator[E]: ...
    @overload
    def map(
        self, /, *, array: str, when_exhausted: Literal["value"], **options: Unpack[MapOptions]
    ) -> ValueMapDecorator[Any]: ...
    @overload
    def map(
        self: Flow[list[E]], /, *, when_exhausted: WhenUnmet = "fail", **options: Unpack[MapOptions]
    ) -> MapDecorator[E]: ...
    @overload
    def map(
        self, /, *, array: Step[list[E]], when_exhausted: WhenUnmet = "fail", **options: Unpack[MapOptions]
    ) -> MapDecorator[E]: ...
    @overload
    def map(
        self, /, *, array: str, when_exhausted: WhenUnmet = "fail", **options: Unpack[MapOptions]
    ) -> MapDecorator[Any]: ...
    def map(self, h: Any = None, /, **options: Any) -> Any:
        """Add a step that runs once per element of ``array``'s output (without it, of the flow's input).

        Its first parameter gets the element, further ones name other steps. With ``subflow`` there is a run
        of that flow for each element.
        """
        return self._decorate("map", h, options)

    def loop(
        self, /, *, max_rounds: int, when_exhausted: WhenUnmet = "fail", **options: Unpack[LoopOptions]
    ) -> LoopDecorator:
        """Add a step that runs until it returns something else than ``Again``: a poll, or a loop with state.

        Between rounds no worker is kept busy, and a round is no attempt. ``max_rounds`` (1 to 100,000) and
        ``deadline`` bound it, ``every`` is the pause in seconds where ``Again`` names none.
        """
        given = {**options, "max_rounds": max_rounds, "when_exhausted": when_exhausted}
        decorator: LoopDecorator = self._decorate("loop", None, given)
        return decorator

    def undo(self, step: Step[Any], /, *, when: UndoWhen = "completed") -> StepDecorator:
        """Say how a step is undone once its run has failed or was cancelled: ``@order.undo(charge)``.

        The handler gets the step's output under the step's name (one element's, of a map). It is called after
        the undos of all steps that depend on this one, for what completed; with ``when="started"`` also for
        what was under way, and then it gets None.

        Raises:
            TypeError: what is undone is no step.
            DefinitionError: the step is another flow's, has no handler, or is undone already; ``when`` is
                neither of the two words.
        """
        where = f"@{self.slug}.undo"
        if not isinstance(step, Step):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"{where} takes the step that is undone, not {step!r}")
        if step.flow is not self or not KINDS[step.kind].has_handler:
            raise DefinitionError(
                f"{where} cannot undo {step!r}: it undoes steps of its own flow with a handler"
            )
        _check_word(where, "when", when, UNDO_WHEN)
        companion = self._companion(undo_slug(self.db_slug))
        for other in companion.steps.values():
            if other.options["undo"] is step:
                raise DefinitionError(f"{where}: step {step.slug!r} is undone by {other.function} already")
        kind: StepKind = "map" if KINDS[step.kind].is_map else "step"
        return _decorator(lambda h: companion.make(where, kind, h, {"undo": step, "when": when}))

    def end(self, /, *, on: EndOn = "always") -> StepDecorator:
        """Say what is to be done when a run has ended, after all undos: ``@order.end(on="failed")``.

        Raises:
            DefinitionError: ``on`` is none of the words, or there is an end of the handler's name already.
        """
        where = f"@{self.slug}.end"
        _check_word(where, "on", on, END_ON)

        def make(handler: Any) -> Step[Any]:
            name = getattr(handler, "__name__", "")
            return self._companion(end_slug(self.db_slug, name)).make(where, "step", handler, {"on": on})

        return _decorator(make)

    def _companion(self, slug: str) -> Flow[Any]:
        if slug not in self.companions:
            companion = self.companions[slug] = type(self)(slug)  # of the same preset
            companion.companion_of = self
        return self.companions[slug]

    def schedule(
        self,
        slug: str,
        *,
        input: In,
        cron: str | None = None,
        every: int | None = None,
        timezone: str = "UTC",
        overlap: Overlap = "skip",
        catch_up: CatchUp = "latest",
    ) -> Schedule:
        """Start a run with ``input`` at the times of ``cron``, or every so many seconds.

        The compiler reads all of it, so all of it is literal. ``FIRE_DATE`` and ``FIRE_TIME`` may stand in
        the input. The flow's migration writes the schedule into the database.

        Raises:
            TypeError: the slug is no string.
            DefinitionError: a slug that cannot be one or is taken; neither or both of cron and every.
        """
        check_slug("schedule", slug)
        if (cron is None) == (every is None):
            raise DefinitionError(f"{self.slug}.schedule({slug!r}) takes one of cron= and every=")
        if slug in self.schedules:
            raise DefinitionError(f"flow {self.slug!r} has a schedule {slug!r} already")
        schedule = Schedule(self, slug, input, cron, every, timezone, overlap, catch_up)
        self.schedules[slug] = schedule
        return schedule

    def _decorate(self, kind: StepKind, handler: Any, options: dict[str, Any]) -> Any:
        where = f"@{self.slug}.{kind}"
        check_options(where, options, kind)
        for name in ("array", "depends_on", "if_ran", "if_skipped"):
            check_step_names(where, name, options.get(name), lambda item: isinstance(item, Step))
        if not isinstance(options.get("subflow", ""), Flow | str):
            raise TypeError(f"{where}: subflow= is a flow or a flow's slug, not {options['subflow']!r}")
        if handler is not None:
            return self.make(where, kind, handler, options)
        return MapDecorator[Any](lambda h: self.make(where, kind, h, options))

    def make(self, where: str, kind: StepKind, handler: Any, options: dict[str, Any]) -> Step[Any]:
        """Make a step of a function; ``where`` is the decorator, for messages."""
        if isinstance(handler, Step):
            raise DefinitionError(f"{where} above {handler!r}: one function is one step of one flow")
        if not callable(handler) or not hasattr(handler, "__qualname__"):
            raise TypeError(
                f"{where} decorates a function, not {handler!r}; options are named: {where}(slug=...)"
            )
        slug = check_slug("step", options.get("slug", handler.__name__), reserved=RESERVED_FOR_STEPS)
        step = make_step(self, slug, kind, handler, {k: v for k, v in options.items() if k != "slug"})
        self.add(step)
        return step

    def add(self, step: Step[Any]) -> None:
        """Add a step under its slug; decorators and the steps without a handler do it.

        Raises:
            DefinitionError: the flow has a step of that slug.
        """
        known = self.steps.setdefault(step.slug, step)
        if known is not step:
            raise DefinitionError(
                f"flow {self.slug!r} has a step {step.slug!r} already, {known.module}.{known.function}: "
                f"give {step.module}.{step.function} another name or a slug=..."
            )

    def __repr__(self) -> str:
        return f"<flow {self.db_slug!r}: {', '.join(self.steps) or 'no steps'}>"


def output(step: Step[T], /) -> T:
    """What dependents of ``step`` receive, for the generated wiring that mypy reads; it is never run."""
    raise NotImplementedError(f"output({step!r}) exists for type checkers only")


def _decorator(make: Callable[[Any], Step[Any]]) -> StepDecorator:
    decorator: Any = MapDecorator[Any](make)
    return cast("StepDecorator", decorator)


def _check_word(where: str, option: str, value: object, words: tuple[str, ...]) -> None:
    if value not in words:
        raise DefinitionError(f"{where}: {option}= is one of {', '.join(words)}, not {value!r}")


def _check_version(version: object) -> int:
    if isinstance(version, bool) or not isinstance(version, int):
        raise TypeError(f"version= is an integer, not {version!r}")
    if version < 1:
        raise DefinitionError(f"version={version}: versions count from 1")
    return version
