"""``Resource``: something that all tasks of a process share, opened when it is first asked for."""

# pyright: standard
# What is opened is whatever the user's opener gives: strict, nothing could be asked of it.

from __future__ import annotations

import inspect
import os
import threading
from collections.abc import Awaitable, Callable, Generator
from contextlib import AbstractAsyncContextManager, AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast, overload

from pgflow_runtime.errors import UsageError
from pgflow_runtime.loggers import lasting

if TYPE_CHECKING:
    import asyncio

T = TypeVar("T")

PATIENCE = 10.0
"""Seconds that a resource may take to close when its worker ends."""
_open: list[Resource[Any]] = []
"""What is open, the oldest first."""
_logger = lasting("pgflow.worker")


class Resource(Generic[T]):
    """At module level ``index = Resource(opener)``; handlers ask ``index.get()`` or ``await index.aget()``.

    Opened once a process; closed by the worker at its end, the newest first. An opening that fails is the
    failure of the task that asked, and the next one tries again.

    Args:
        opener: a function without parameters: one decorated with ``contextmanager`` or
            ``asynccontextmanager``, or one, sync or async, that returns the value; a value that is a context
            manager is entered.
    """

    @overload
    def __init__(self, opener: Callable[[], AbstractAsyncContextManager[T]]) -> None: ...
    @overload
    def __init__(self, opener: Callable[[], AbstractContextManager[T]]) -> None: ...
    @overload
    def __init__(self, opener: Callable[[], Awaitable[T]]) -> None: ...
    @overload
    def __init__(self, opener: Callable[[], T]) -> None: ...
    def __init__(self, opener: Callable[[], Any]) -> None:
        self._opener = opener
        self._is_async = _is_async(opener)
        self._lock = threading.RLock()
        self._overrides: list[T] = []
        self._held: _Held | _AsyncHeld | None = None

    def get(self) -> T:
        """The value, for sync handlers; opens it, while other threads that ask wait.

        Raises:
            UsageError: its opener is async: ``await resource.aget()``.
        """
        if self._overrides:
            return self._overrides[-1]
        if self._is_async:
            raise UsageError(f"{self!r} is opened by an async function: write `await resource.aget()`")
        with self._lock:
            held = self._held
            if not isinstance(held, _Held) or held.pid != os.getpid():
                held = self._held = _Held(self._opener)
                _open.append(self)
            return cast(T, held.value)

    async def aget(self) -> T:
        """The value, for async handlers; a sync opener runs in a thread."""
        import asyncio  # here, so that importing a flow module stays light

        if self._overrides:
            return self._overrides[-1]
        if not self._is_async:
            return await asyncio.to_thread(self.get)
        held, loop = self._held, asyncio.get_running_loop()
        if not isinstance(held, _AsyncHeld) or held.loop is not loop or held.has_ended:
            held = self._held = _AsyncHeld(self._opener, loop)
            _open.append(self)
        return cast(T, await held.get())

    @contextmanager
    def override(self, value: T) -> Generator[T]:
        """In a block of a test, hand out ``value`` instead; nothing is opened for it."""
        self._overrides.append(value)
        try:
            yield value
        finally:
            self._overrides.pop()

    def __repr__(self) -> str:
        name = getattr(self._opener, "__qualname__", repr(self._opener))
        return f"<resource {getattr(self._opener, '__module__', '?')}.{name}>"


async def close_resources() -> None:
    """Close what this process has opened here, the newest first; what cannot be closed is said in the log."""
    import asyncio

    loop = asyncio.get_running_loop()
    for resource in reversed(_open.copy()):
        held = resource._held
        if isinstance(held, _AsyncHeld):
            if held.loop is not loop:  # a test's own, say
                continue
            closing = asyncio.ensure_future(held.close())
        elif held is not None and held.pid == os.getpid():
            closing = asyncio.ensure_future(asyncio.to_thread(held.close))
        else:
            continue
        resource._held = None
        done, _ = await asyncio.wait({closing}, timeout=PATIENCE)
        if not done:
            _logger.warning("%r is not closed after %g s", resource, PATIENCE)
        elif not closing.cancelled() and (error := closing.exception()) is not None:
            _logger.warning("%r cannot be closed: %s", resource, error)
    _open[:] = [resource for resource in _open if resource._held is not None]


class _Held:
    """A value that a sync opener gave."""

    def __init__(self, opener: Callable[[], Any]) -> None:
        self.pid = os.getpid()
        self._manager: AbstractContextManager[Any] | None = None
        self.value = opener()
        if inspect.isawaitable(self.value) or _is_only_async(type(self.value)):
            if inspect.iscoroutine(self.value):
                self.value.close()
            raise UsageError("the opener of a resource gives something async: declare it with `async def`")
        if hasattr(type(self.value), "__exit__"):
            self._manager = self.value
            self.value = self.value.__enter__()

    def close(self) -> None:
        if self._manager is not None:
            self._manager.__exit__(None, None, None)


class _AsyncHeld:
    """A value that an async opener gives. One task enters and leaves its context manager."""

    def __init__(self, opener: Callable[[], Any], loop: asyncio.AbstractEventLoop) -> None:
        import asyncio

        self.loop = loop
        self._value: asyncio.Future[Any] = loop.create_future()
        self._closing = asyncio.Event()
        self._keeper = loop.create_task(self._keep(opener))

    @property
    def has_ended(self) -> bool:
        return self._keeper.done()

    async def get(self) -> Any:
        import asyncio

        return await asyncio.shield(self._value)

    async def close(self) -> None:
        self._closing.set()
        await self._keeper

    async def _keep(self, opener: Callable[[], Any]) -> None:
        try:
            value = opener()
            if inspect.isawaitable(value):
                value = await value
            if hasattr(type(value), "__aexit__"):
                async with value as entered:
                    await self._hand_out(entered)
            elif hasattr(type(value), "__exit__"):
                with value as entered:
                    await self._hand_out(entered)
            else:
                await self._hand_out(value)
        except BaseException as error:
            if self._value.done():
                raise
            self._value.set_exception(error)
            self._value.exception()  # whoever asked may be gone, and asyncio would complain

    async def _hand_out(self, value: Any) -> None:
        self._value.set_result(value)
        await self._closing.wait()


def _is_async(opener: Callable[[], Any]) -> bool:
    function = inspect.unwrap(opener)
    if inspect.isclass(function):
        return _is_only_async(function)
    return inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function)


def _is_only_async(kind: type) -> bool:
    return hasattr(kind, "__aexit__") and not hasattr(kind, "__exit__")
