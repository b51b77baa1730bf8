"""A proxy before a server that delays, drops and resets connections at random, as a bad network does.

Or just once, at a statement of the test's choice.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random


@dataclass(frozen=True)
class Cut:
    """Reset the connection that has sent ``of`` when it sends ``at``: before that arrives, or when
    the server answers.
    """

    of: bytes
    at: bytes
    is_answered: bool


@dataclass
class Freeze:
    """Call ``strike`` when a connection that has sent ``of`` sends ``at``, and move nothing until ``thaw``.

    ``is_passed``: what was sent arrives all the same.
    """

    of: bytes
    at: bytes
    is_passed: bool
    strike: Callable[[], None]
    frozen: threading.Event = field(default_factory=threading.Event)
    thawed: threading.Event = field(default_factory=threading.Event)

    def thaw(self) -> None:
        self.thawed.set()

    async def until_thawed(self) -> None:
        while not self.thawed.is_set():  # noqa: ASYNC110 - of another thread
            await asyncio.sleep(0.02)


@dataclass
class _Line:
    """One connection, as far as a cut is concerned."""

    is_marked: bool = False
    is_doomed: bool = False
    """To be reset with the server's next answer, which the client does not get."""


@dataclass
class Proxy:
    """Listens on a loopback port and passes bytes on to a unix socket.

    ``trouble`` is the chance of each piece of data to meet some: while it is 0, all goes well but for one
    ``cut``.
    """

    target: Path
    random: Random
    trouble: float = 0.0
    is_open: bool = True
    """Whether new connections are let through."""
    cut: Cut | None = None
    freeze: Freeze | None = None
    port: int = 0
    counts: dict[str, int] = field(
        default_factory=lambda: {
            "connections": 0,
            "resets": 0,
            "closes": 0,
            "halves": 0,
            "delays": 0,
            "cuts": 0,
        }
    )
    _live: set[asyncio.StreamWriter] = field(default_factory=set)

    async def serve(self, ready: threading.Event, stop: asyncio.Event) -> None:
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        await stop.wait()
        server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        for writer in self._live:
            writer.transport.abort()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.CancelledError):  # at the end; asyncio would call it an error
            await self._connect(reader, writer)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.counts["connections"] += 1
        if not self.is_open:
            _reset(writer)
            return
        try:
            upstream_reader, upstream = await asyncio.open_unix_connection(str(self.target))
        except OSError:
            _reset(writer)
            return
        self._live |= {writer, upstream}
        line = _Line()
        pumps = [
            asyncio.ensure_future(self._pump(reader, upstream, writer, partial(self._cuts, line), line)),
            asyncio.ensure_future(
                self._pump(upstream_reader, writer, upstream, lambda _: line.is_doomed, None)
            ),
        ]
        await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        for pump in pumps:
            pump.cancel()
        await asyncio.gather(*pumps, return_exceptions=True)
        for end in (writer, upstream):
            self._live.discard(end)
            end.close()

    def _cuts(self, line: _Line, data: bytes) -> bool:
        """Whether what the client sends is the end of its connection."""
        cut = self.cut
        line.is_marked = line.is_marked or (cut is not None and cut.of in data)
        if cut is None or not line.is_marked or cut.at not in data:
            return False
        self.cut = None
        self.counts["cuts"] += 1
        line.is_doomed = cut.is_answered
        return not cut.is_answered

    def _freezes(self, line: _Line, data: bytes) -> Freeze | None:
        """The frost that what the client sends brings about."""
        freeze = self.freeze
        if freeze is None:
            return None
        line.is_marked = line.is_marked or freeze.of in data
        if not line.is_marked or freeze.at not in data:
            return None
        self.freeze = None
        return freeze

    async def _pump(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        back: asyncio.StreamWriter,
        cuts: Callable[[bytes], bool],
        line: _Line | None,
    ) -> None:
        """``line``: of what the client sends."""
        with contextlib.suppress(OSError):
            while data := await reader.read(65_536):
                freeze = self._freezes(line, data) if line is not None else None
                if freeze is not None:
                    if freeze.is_passed:
                        writer.write(data)
                        await writer.drain()
                    freeze.strike()
                    freeze.frozen.set()
                    await freeze.until_thawed()
                    if freeze.is_passed:
                        continue
                if cuts(data):
                    _reset(writer)
                    _reset(back)
                    return
                if not await self._passes(data, writer, back):
                    return
                writer.write(data)
                await writer.drain()

    async def _passes(self, data: bytes, writer: asyncio.StreamWriter, back: asyncio.StreamWriter) -> bool:
        """Whether the connection goes on; what ends it may come before, amid or after the data."""
        if self.random.random() >= self.trouble:
            return True
        kind = self.random.choice(("resets", "closes", "halves", "delays", "delays"))
        self.counts[kind] += 1
        match kind:
            case "delays":
                await asyncio.sleep(self.random.uniform(0.01, 0.3))
                return True
            case "halves":
                writer.write(data[: len(data) // 2])
            case "resets":
                _reset(writer)
                _reset(back)
            case _ if self.random.random() < 0.5:
                writer.write(data)  # the statement arrives, its answer does not
        with contextlib.suppress(OSError):
            await writer.drain()
        return False


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close with a RST instead of a FIN, where the transport knows that."""
    found = writer.get_extra_info("socket")
    if found is not None and found.family == socket.AF_INET:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


@contextmanager
def proxy(target: Path, random: Random) -> Iterator[Proxy]:
    """A proxy in a thread of its own, before the unix socket ``target``."""
    found = Proxy(target, random)
    ready = threading.Event()
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()
    thread = threading.Thread(target=lambda: loop.run_until_complete(found.serve(ready, stop)), daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield found
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
        loop.close()
