"""HTTP as uvicorn speaks it, with an end to our patience: before anybody has said who they are.

A request has to arrive, an answer to be taken, and there are so many connections; beyond, one that is only
waiting makes room for the newcomer. uvicorn itself limits the size of a head, and idle connections.
"""

from __future__ import annotations

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_SECONDS = 10.0
"""For a request's head to arrive."""
BODY_SECONDS = 120.0
"""For the whole request."""
SILENCE_SECONDS = 10.0
"""Without a byte of a request that has begun, or with nothing taken of an answer."""
CONNECTIONS = 400
"""At a time."""


class Patient(H11Protocol):
    """A connection that is closed when its peer keeps us waiting."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._whole: asyncio.TimerHandle | None = None
        """When the request has to be here."""
        self._silent: asyncio.TimerHandle | None = None
        self._stuck: asyncio.TimerHandle | None = None
        self._is_body = False
        self.since = 0.0

    @property
    def is_waiting(self) -> bool:
        """Whether nothing is being answered here."""
        return self.cycle is None or self.cycle.response_complete or self._whole is not None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self.since = self.loop.time()
        if len(self.connections) >= CONNECTIONS and not self._make_room():
            transport.abort()
            return
        super().connection_made(transport)
        self._whole = self.loop.call_later(HEAD_SECONDS, self._give_up)

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget()
        if self._stuck is not None:
            self._stuck.cancel()
        if self.transport is not None:
            super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._look()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._look()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._watch(self.transport.get_write_buffer_size())

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._stuck is not None:
            self._stuck.cancel()

    def _watch(self, waiting: int) -> None:
        """``waiting`` bytes are to be taken: some have to be gone the next time we look."""
        self._stuck = self.loop.call_later(SILENCE_SECONDS, self._look_again, waiting)

    def _look_again(self, before: int) -> None:
        now = self.transport.get_write_buffer_size()
        if now < before:
            self._watch(now)
        else:
            self._give_up()

    def _look(self) -> None:
        """Set the clocks by what of a request is here."""
        state = self.conn.their_state
        is_body = state is h11.SEND_BODY
        if not is_body and (state is not h11.IDLE or not self.conn.trailing_data[0]):
            self._forget()
            return
        if self._whole is not None and is_body != self._is_body:
            self._forget()
        if self._whole is None:
            self._whole = self.loop.call_later(BODY_SECONDS if is_body else HEAD_SECONDS, self._give_up)
        self._is_body = is_body
        if self._silent is not None:
            self._silent.cancel()
        self._silent = self.loop.call_later(SILENCE_SECONDS, self._fall_silent)

    def _fall_silent(self) -> None:
        """Unless it is us who do not read on."""
        if self.flow.read_paused:
            self._silent = self.loop.call_later(SILENCE_SECONDS, self._fall_silent)
        else:
            self._give_up()

    def _forget(self) -> None:
        for clock in (self._whole, self._silent):
            if clock is not None:
                clock.cancel()
        self._whole = self._silent = None

    def _give_up(self) -> None:
        self._forget()
        self.transport.abort()

    def _make_room(self) -> bool:
        """Close the connection that has been waiting longest; False where all are being answered."""
        waiting = [item for item in self.connections if isinstance(item, Patient) and item.is_waiting]
        if not waiting:
            return False
        oldest = min(waiting, key=lambda item: item.since)
        self.connections.discard(oldest)
        oldest._give_up()
        return True
