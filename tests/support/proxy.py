"""A proxy before a server that delays, drops and resets connections at random, as a bad network does."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random


@dataclass
class Proxy:
    """Listens on a loopback port and passes bytes on to a unix socket.

    ``trouble`` is the chance of each piece of data to meet some: while it is 0, all goes well.
    """

    target: Path
    random: Random
    trouble: float = 0.0
    is_open: bool = True
    """Whether new connections are let through."""
    port: int = 0
    counts: dict[str, int] = field(
        default_factory=lambda: {"connections": 0, "resets": 0, "closes": 0, "halves": 0, "delays": 0}
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
        pumps = [
            asyncio.ensure_future(self._pump(reader, upstream, writer)),
            asyncio.ensure_future(self._pump(upstream_reader, writer, upstream)),
        ]
        await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        for pump in pumps:
            pump.cancel()
        await asyncio.gather(*pumps, return_exceptions=True)
        for end in (writer, upstream):
            self._live.discard(end)
            end.close()

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, back: asyncio.StreamWriter
    ) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65_536):
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
