"""When an idle worker looks for work: at a notification, when a message becomes visible, else now and then.

A worker that may wait announces itself in the database; whoever makes messages visible notifies only where
somebody announced, so a loaded system sends no notifications. An announcement holds for some seconds and is
renewed only while idle. After announcing the worker looks once more, since work may have come just before.
The answer to an announcement says when the next message becomes visible (retries, delayed steps: they never
notify), so a worker that becomes idle asks again.
"""

from __future__ import annotations

import math
import time

from pgflow_runtime.worker_config import WorkerConfig

SOON = 0.02
"""Seconds from a new announcement to a second look: a transaction that saw nobody announced may have
committed after the first one."""
SETTLE = 0.01
"""Seconds without work before a worker announces itself: a busy one must not."""
SLOWEST_POLL = 0.5
"""Seconds between two looks without notifications at most, unless the interval asked for is longer."""
PATIENCE = 0.05
"""Seconds until a next look where the last one, at what was said to be due, brought nothing: it is a timer
that somebody has to fire first, or others were faster."""
IDLE_SHARE = 0.05
"""That pause grows with the time without work, to this share of it: looking costs CPU on both sides."""


class Idle:
    """Decides when to look for work and when to announce; times are ``time.monotonic`` seconds."""

    def __init__(self, config: WorkerConfig) -> None:
        self._poll = config.poll_interval_ms / 1000
        self._longest = max(config.max_poll_seconds, self._poll)
        self.lease_seconds = math.ceil(2 * self._longest) + 1
        """How long an announcement holds."""
        self.is_listening = False
        """Whether notifications can arrive."""
        self._wanted = True
        self._looked_at = 0.0
        self._active_at = 0.0
        self._without_work_since = math.inf  # the first of the looks since then that brought nothing
        self._began_at = time.monotonic()
        self._lease_until = 0.0
        self._visible_at = math.inf
        self._again_at = math.inf
        self._refused_until = 0.0
        self._due_at_once_at = -math.inf
        self._is_unsure = True  # about when the next message becomes visible

    def want_look(self) -> None:
        """There may be work."""
        self._wanted = True

    def note_activity(self) -> None:
        """There was work just now."""
        self._active_at = time.monotonic()
        self._without_work_since = math.inf
        self._is_unsure = True

    def note_no_work(self) -> None:
        """A look brought nothing."""
        self._without_work_since = min(self._without_work_since, time.monotonic())

    def seconds_without_work(self) -> float:
        """For how long looks have brought nothing; 0 where the last one brought something, or was refused."""
        return max(time.monotonic() - self._without_work_since, 0.0)

    def note_visible_in(self, seconds: float) -> None:
        """A message becomes visible in so many seconds."""
        self._visible_at = min(self._visible_at, time.monotonic() + seconds)

    def hold_off(self, seconds: float) -> None:
        """The database does not let us look just now: neither look nor announce for so long."""
        self._refused_until = time.monotonic() + seconds
        self._without_work_since = math.inf
        self._wanted = True

    def begin_look(self) -> None:
        """Called before fetching, so that a notification that comes meanwhile is not lost."""
        now = time.monotonic()
        self._wanted = False
        self._looked_at = now
        if self._again_at <= now:
            self._again_at = math.inf
        if self._visible_at <= now:
            self._visible_at = math.inf
            self._is_unsure = True

    def may_look(self) -> bool:
        """Whether it is time to fetch."""
        now = time.monotonic()
        return now >= self._refused_until and (self._wanted or now >= self._next_look())

    def may_announce(self) -> bool:
        """Whether nothing is going on, and the last announcement is out of date or will be before long."""
        if not self._wants_announcement() or self._wanted:
            return False
        return time.monotonic() >= self._active_at + SETTLE

    def begin_announcement(self) -> None:
        """Called before announcing, so that what happens meanwhile asks for another one."""
        self._is_unsure = False

    def announced(self, visible_in: float | None) -> None:
        """The announcement is committed; the next message or timer is due in ``visible_in`` seconds."""
        now = time.monotonic()
        if visible_in == 0 and self._due_at_once_at > self._active_at:
            visible_in = PATIENCE
        elif visible_in == 0:
            self._due_at_once_at = now
        if self._lease_until <= now:
            self._again_at = now + SOON
        if self._lease_until <= now or visible_in == 0:
            self._wanted = True  # nobody told us about what came before
        self._lease_until = now + self.lease_seconds
        if visible_in is not None:
            self._visible_at = min(self._visible_at, now + visible_in)

    def seconds_to_wait(self, *, quiet: bool) -> float:
        """How long to sleep when nothing else happens; ``quiet``: no call is under way."""
        now = time.monotonic()
        wake = self._next_look()
        if quiet and self._wants_announcement():
            wake = min(wake, max(self._active_at + SETTLE, now))
        if self._refused_until > now:
            wake = self._refused_until
        return max(wake - now, 0.0)

    def _wants_announcement(self) -> bool:
        ends_soon = self._lease_until - time.monotonic() <= self._longest
        return self.is_listening and (self._is_unsure or ends_soon)

    def _next_look(self) -> float:
        now = time.monotonic()
        leased = self.is_listening and self._lease_until > now
        pause = self._longest if leased else self._polling_pause(now)
        return min(self._looked_at + pause, self._visible_at, self._again_at)

    def _polling_pause(self, now: float) -> float:
        idle_for = now - max(self._active_at, self._began_at)
        longest = max(self._poll, min(SLOWEST_POLL, self._longest))
        return min(max(self._poll, idle_for * IDLE_SHARE), longest)
