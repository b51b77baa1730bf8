"""What a decorated handler is at run time: the callable it was, and a step of its flow."""

from __future__ import annotations

import asyncio
import copy
import inspect
import subprocess
import sys
from collections.abc import Callable
from typing import Any, cast

import pytest

from pgflow_runtime import Context, DefinitionError, Flow
from pgflow_runtime.dsl import AsyncMapStep, AsyncStep, MapStep, Step, SyncStep, output

pickled = Flow[str]("pickled")


@pickled.step(slug="by_name")
def pickled_handler(flow_input: str) -> str:
    return flow_input.upper()


def test_a_sync_handler_is_called_as_before() -> None:
    flow = Flow[str]("flow")

    @flow.step
    def shout(flow_input: str, *, times: int = 1) -> str:
        """Say it louder."""
        return flow_input.upper() * times

    assert shout("a", times=2) == "AA"
    assert (shout.__name__, shout.__doc__) == ("shout", "Say it louder.")
    assert list(inspect.signature(shout).parameters) == ["flow_input", "times"]
    assert shout.handler is inspect.unwrap(shout)


async def test_an_async_handler_returns_a_coroutine() -> None:
    flow = Flow[str]("flow")

    @flow.step(timeout=5)
    async def shout(flow_input: str) -> str:
        await asyncio.sleep(0)
        return flow_input.upper()

    pending = shout("a")
    assert inspect.iscoroutine(pending)
    assert await pending == "A"


def test_every_decorator_registers_its_step_in_order() -> None:
    flow = Flow[list[str]]("flow", version=2, max_attempts=4)

    @flow.array
    def names(flow_input: list[str]) -> list[str]:
        return flow_input

    @flow.map(array=names, start_delay=1)
    async def size(name: str) -> int:
        return len(name)

    @flow.map
    def first(name: str) -> str:
        return name[0]

    @flow.step(slug="end", depends_on=["first", size])
    async def finish() -> None:
        return None

    assert list(flow.steps) == ["names", "size", "first", "end"]
    assert [step.kind for step in flow.steps.values()] == ["array", "map", "map", "step"]
    kinds: list[type[Step[Any]]] = [SyncStep, AsyncMapStep, MapStep, AsyncStep]
    assert [type(step) for step in flow.steps.values()] == kinds
    assert (flow.slug, flow.db_slug, dict(flow.options)) == ("flow", "flow_v2", {"max_attempts": 4})
    assert dict(size.options) == {"array": names, "start_delay": 1}
    assert (finish.slug, finish.module, finish.flow) == ("end", __name__, flow)


def test_the_options_of_a_step_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        pickled_handler.options["timeout"] = 3  # type: ignore[index]


def test_a_step_is_copied_by_name() -> None:
    assert copy.deepcopy(pickled_handler) is pickled_handler
    assert pickled_handler.__reduce__() == "pickled_handler"


def _flow() -> Flow[Any]:
    return Flow[Any]("flow")


def _decorate(**options: Any) -> None:
    def handler() -> int:
        return 1

    _flow().step(**options)(handler)


def _twice() -> None:
    flow = _flow()

    def handler() -> int:
        return 1

    flow.step(handler)
    flow.step(slug="handler")(handler)


def _stacked() -> None:
    flow, other = _flow(), _flow()

    def handler() -> int:
        return 1

    flow.step(other.step(handler))


@pytest.mark.parametrize(
    ("definition", "error", "text"),
    [
        (lambda: Flow("1st"), DefinitionError, "'1st' cannot be the slug of a flow"),
        (lambda: Flow("run"), DefinitionError, "means something else"),
        (lambda: Flow("a" * 129), DefinitionError, "1 to 128"),
        (lambda: Flow(3), TypeError, "is a string, not int: 3"),  # type: ignore[arg-type]
        (lambda: Flow("x", version=0), DefinitionError, "count from 1"),
        (lambda: Flow("x", version=True), TypeError, "is an integer, not True"),
        (lambda: Flow("x", max_atempts=1), TypeError, "did you mean 'max_attempts'"),  # type: ignore[call-arg]
        (lambda: _decorate(slug="a-b"), DefinitionError, "'a-b' cannot be the slug of a step"),
        (lambda: _decorate(slug="ctx"), DefinitionError, "means something else"),
        (lambda: _decorate(slug=""), DefinitionError, "'' cannot be"),
        (lambda: _decorate(array="x"), TypeError, "@flow.step has no option 'array'"),
        (lambda: _decorate(depends_on="urls"), TypeError, "a list of steps or slugs, not 'urls'"),
        (lambda: _decorate(depends_on=[1]), TypeError, "steps or slugs, not 1"),
        (lambda: _flow().map(array=cast("str", ["a"])), TypeError, "a step or a step's slug, not ['a']"),
        (lambda: _flow().step("fetch"), TypeError, "decorates a function, not 'fetch'"),  # type: ignore[call-overload]
        (_twice, DefinitionError, "has a step 'handler' already, "),
        (_stacked, DefinitionError, "one function is one step of one flow"),
    ],
)
def test_a_faulty_definition_is_refused(
    definition: Callable[[], object], error: type[Exception], text: str
) -> None:
    with pytest.raises(error) as caught:
        definition()
    assert text in str(caught.value)
    assert isinstance(caught.value, TypeError | ValueError)


def test_output_is_for_type_checkers_only() -> None:
    with pytest.raises(NotImplementedError):
        output(pickled_handler)


@pytest.mark.parametrize("module", ["psycopg", "msgspec", "jsonschema_rs", "asyncio", "click"])
def test_importing_a_flow_module_stays_light(module: str) -> None:
    names = "Context, Flow, JsonValue, NonRetryable, RetryAfter"
    program = f"import sys; from pgflow_runtime import {names}; sys.exit({module!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_a_handler_is_called_with_a_context_of_a_test() -> None:
    flow = Flow[str]("flow")

    @flow.step
    def attempt(ctx: Context) -> int:
        return ctx.step_task.attempt + len(ctx.flow_input())

    assert attempt(Context.for_test(attempt=3, flow_input="ab")) == 5
