"""Steps without a handler: one waits for somebody, the other for a time."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Generic, NoReturn, TypeVar, Unpack, overload

from pgflow_runtime.dsl.options import (
    DefinitionError,
    WaitOptions,
    WhenUnmet,
    check_options,
    check_slug,
    check_step_names,
)
from pgflow_runtime.dsl.steps import FlowOfStep, Step
from pgflow_shared.kinds import StepKind
from pgflow_shared.slugs import RESERVED_FOR_STEPS

T = TypeVar("T")


class WaitingStep(Step[T], Generic[T]):
    """A step without a handler: the database completes it, and no worker has anything to do."""

    def _declare(self, kind: StepKind, flow: FlowOfStep, slug: str, options: dict[str, Any]) -> None:
        where = f"{type(self).__name__}({flow.slug}, {slug!r})"
        check_options(where, options, kind)
        for name in ("depends_on", "if_ran", "if_skipped"):
            check_step_names(where, name, options.get(name), lambda item: isinstance(item, Step))
        self.flow = flow
        self.slug = self.__name__ = check_slug("step", slug, reserved=RESERVED_FOR_STEPS)
        self.kind = kind
        self.handler = _nothing
        self.options = MappingProxyType(options)
        self.__module__ = _caller()
        flow.add(self)

    @property
    def module(self) -> str:
        """Dotted name of the module that declares it."""
        return self.__module__

    @property
    def function(self) -> str:
        """Its name in that module, which is its slug."""
        return self.slug


class Signal(WaitingStep[T], Generic[T]):
    """A step that waits for a message: ``approval = Signal[Approval](order, "approval", deadline=86_400)``.

    Its output is the payload, a ``T``. What is sent before the step is ready is kept, and taken then.

    Args:
        flow: the flow it belongs to.
        slug: its name, which is also the name it is bound to.
        deadline: seconds after which nobody is waited for any more; ``when_exhausted`` says what follows.
        when_exhausted: "fail", "skip" or "skip-cascade".
        key: the path of a str or int in the run's input, ``"flow_input.order_id"``: who knows the key
            need not know the run.
        options: see ``WaitOptions``.

    Raises:
        TypeError: an option that does not exist, or a slug that is no string.
        DefinitionError: a slug that cannot be one, or is taken.
    """

    def __init__(
        self,
        flow: FlowOfStep,
        slug: str,
        *,
        deadline: int | None = None,
        when_exhausted: WhenUnmet = "fail",
        key: str | None = None,
        **options: Unpack[WaitOptions],
    ) -> None:
        given = {"deadline": deadline, "key": key}
        known = {name: value for name, value in given.items() if value is not None}
        self._declare("signal", flow, slug, {**options, **known, "when_exhausted": when_exhausted})

    def sent(self, payload: T, *, after: float = 0) -> Sent[Any]:
        """For ``run_flow(signals=[...])``: this payload is sent, ``after`` so many seconds of the run."""
        return Sent(self, payload, after)


@dataclass(frozen=True, slots=True)
class Sent(Generic[T]):
    """A payload that a test sends, and when: made by ``signal.sent``."""

    signal: Signal[T]
    payload: T
    after: float


class Sleep(WaitingStep[None]):
    """A step that waits for a time: ``Sleep(order, "cool_down", seconds=3600, depends_on=[charge])``.

    Its output is None. Exactly one of ``seconds`` (from when the step is ready) and ``until`` is given.

    Args:
        flow: the flow it belongs to.
        slug: its name, which is also the name it is bound to.
        seconds: 0 to 31,536,000.
        until: the path of a time in the run's input or in a dependency's output, ``"flow_input.remind_at"``:
            RFC 3339 with an offset, or Unix seconds.
        when_exhausted: what follows if there is no time at that path.
        options: see ``WaitOptions``.

    Raises:
        TypeError: an option that does not exist, or a slug that is no string.
        DefinitionError: a slug that cannot be one, or is taken; neither or both of seconds and until.
    """

    @overload
    def __init__(
        self, flow: FlowOfStep, slug: str, *, seconds: int, **options: Unpack[WaitOptions]
    ) -> None: ...
    @overload
    def __init__(
        self,
        flow: FlowOfStep,
        slug: str,
        *,
        until: str,
        when_exhausted: WhenUnmet = "fail",
        **options: Unpack[WaitOptions],
    ) -> None: ...
    def __init__(self, flow: FlowOfStep, slug: str, **options: Any) -> None:
        if ("seconds" in options) == ("until" in options):
            raise DefinitionError(f"Sleep({flow.slug}, {slug!r}) takes one of seconds= and until=")
        self._declare("sleep", flow, slug, options)


def _nothing() -> NoReturn:
    raise TypeError("signals and sleeps have no handler that could be called")


def _caller() -> str:
    """The module that declares the step: the first on the way up that is neither ours nor of the brackets."""
    frame = inspect.currentframe()
    while frame is not None and frame.f_globals.get("__name__") in (__name__, "typing"):
        frame = frame.f_back
    return str(frame.f_globals.get("__name__", "__main__")) if frame is not None else "__main__"
