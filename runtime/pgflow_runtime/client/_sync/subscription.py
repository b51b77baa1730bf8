# Made from client/_async/subscription.py by scripts/async_to_sync.py; edit that one.
"""Callbacks: a handler that is called with a run's events, one after the other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from pgflow_runtime.client._sync.feed import Feed
from pgflow_runtime.client._sync.watcher import Watcher
from pgflow_runtime.client.concurrency import Background, call
from pgflow_runtime.errors import PgflowError
from pgflow_runtime.loggers import lasting
from pgflow_runtime.runs.events import Event

logger = lasting("pgflow.client")

EventHandler: TypeAlias = Callable[[Any], object]
"""Called with one event. Its errors are logged and end nothing. An ``AsyncRun``'s may be async."""


class _Subscription:
    def __init__(
        self,
        watcher: Watcher,
        feed: Feed,
        handler: EventHandler,
        is_wanted: Callable[[Event], bool],
    ) -> None:
        self._watcher = watcher
        self._feed = feed
        self._handler = handler
        self._is_wanted = is_wanted
        self._is_active = True
        watcher.hold(feed)
        watcher.keep(Background(self._deliver, "pgflow-events"))

    def end(self) -> None:
        """Call the handler no more."""
        self._is_active = False
        self._feed.changed.notify()

    def _deliver(self) -> None:
        index = 0
        try:
            while self._is_active:
                seen = self._feed.changed.version
                while index < len(self._feed.log) and self._is_active:
                    self._hand_over(self._feed.log[index])
                    index += 1
                if self._feed.is_final and index == len(self._feed.log):
                    return
                if self._feed.error is not None:
                    return
                self._feed.changed.wait(seen, None)
        finally:
            self._watcher.release(self._feed)

    def _hand_over(self, event: Event) -> None:
        if not self._is_wanted(event):
            return
        try:
            call(self._handler, self._feed.whole(event))
        except Exception:
            logger.exception("a handler of %s failed (run %s)", event.event_type, event.run_id)


def subscribe(
    watcher: Watcher, feed: Feed, handler: EventHandler, is_wanted: Callable[[Event], bool]
) -> Callable[[], None]:
    """Start calling ``handler``; returns the function that ends it. Raises PgflowError on a closed client."""
    if feed.error is not None:
        raise PgflowError(str(feed.error))
    return _Subscription(watcher, feed, handler, is_wanted).end
