"""Who may have how much: streams for each session, and attempts at the token for each address."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

STREAMS = 200
"""Streams at a time, of all."""
STREAMS_EACH = 40
"""Of one session; a browser opens six."""
STREAMS_OF_ADDRESS = 150
"""Of all at one address who have no session."""
SIGNED = "in "
"""What the name of a session begins with that was signed; others are addresses."""
FREE_ATTEMPTS = 20
"""Wrong tokens that are judged at once; then it is one a second."""
LONGEST_WAIT = 10.0
"""Seconds an attempt may wait for its turn; beyond, it is refused."""
ADDRESSES = 10_000


class Streams:
    """The open streams by session. Where there are too many, the session that has most gives one up."""

    def __init__(self) -> None:
        self._open: dict[str, list[Callable[[], None]]] = {}

    @property
    def count(self) -> int:
        return sum(map(len, self._open.values()))

    def may_enter(self, session: str) -> bool:
        """Whether the session may have one more; another's oldest ends where that has to make room."""
        own = len(self._open.get(session, ()))
        if own >= (STREAMS_EACH if session.startswith(SIGNED) else STREAMS_OF_ADDRESS):
            return False
        if self.count < STREAMS:
            return True
        greediest = max(self._open.values(), key=len)
        if len(greediest) <= own + 1:
            return False
        greediest.pop(0)()
        return True

    def enter(self, session: str, end: Callable[[], None]) -> None:
        """``end`` is called when the stream has to give way."""
        self._open.setdefault(session, []).append(end)

    def leave(self, session: str, end: Callable[[], None]) -> None:
        ends = self._open.get(session, [])
        if end in ends:
            ends.remove(end)
        if not ends:
            self._open.pop(session, None)


class Attempts:
    """When the next attempt of an address may be judged. An attempt counts from its beginning: many at once
    are no way around."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._spent: OrderedDict[str, float] = OrderedDict()
        """By address: when all its attempts are paid for, at one a second."""

    def wait(self, address: str) -> float | None:
        """Seconds until this attempt is judged; None where it is refused."""
        now = self._clock()
        paid = max(self._spent.get(address, now), now)
        wait = paid + 1 - now - FREE_ATTEMPTS
        if wait > LONGEST_WAIT:
            return None
        self._spent[address] = paid + 1
        self._spent.move_to_end(address)
        if len(self._spent) > ADDRESSES:
            self._spent.popitem(last=False)
        return max(wait, 0.0)

    def succeeded(self, address: str) -> None:
        """What was right costs nothing."""
        if address in self._spent:
            self._spent[address] -= 1
