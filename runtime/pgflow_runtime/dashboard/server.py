"""A dashboard's life: look at the database, listen, say where, end when asked."""

from __future__ import annotations

import asyncio
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import uvicorn
from starlette.applications import Starlette

from pgflow_runtime.dashboard.access.patience import Patient
from pgflow_runtime.dashboard.app import make_app
from pgflow_runtime.dashboard.options import DashboardOptions
from pgflow_runtime.database.dsn import ReadDsn
from pgflow_runtime.errors import UsageError
from pgflow_runtime.project import Project

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class _Server(uvicorn.Server):
    """Ends the streams of events at the first signal: they would go on for ever."""

    def __init__(self, config: uvicorn.Config, end_streams: Callable[[], None]) -> None:
        super().__init__(config)
        self._end_streams = end_streams

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """As uvicorn's own, but the signal is not raised again at the end."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self.handle_exit) for number in SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._end_streams()
        super().handle_exit(sig, frame)


def serve(
    conninfo: str,
    project: Project,
    options: DashboardOptions,
    say: Callable[[str], None] = print,
    read: ReadDsn | None = None,
) -> None:
    """Serve until SIGINT or SIGTERM. ``say`` gets the address and notes; ``read`` is a replica for the pages.

    Raises UsageError when the port is taken, and what is in the way of reading the database.
    """
    with _listening(options) as listener:
        app, notes = make_app(conninfo, project, options, read)
        for note in notes:
            say(f"note: {note}")
        say(f"dashboard: {address_of(listener, options)}")
        if options.token is not None:
            say("note: it asks for the token; send it only over a connection that others cannot read")
        asyncio.run(_serve(app, listener))


def address_of(listener: socket.socket, options: DashboardOptions) -> str:
    """What to type into a browser."""
    port = listener.getsockname()[1]
    host = {"0.0.0.0": "localhost", "::": "localhost"}.get(options.host, options.host)  # noqa: S104
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


async def _serve(app: Starlette, listener: socket.socket) -> None:
    config = uvicorn.Config(
        app,
        http=Patient,
        log_config=None,
        access_log=False,
        lifespan="on",
        ws="none",
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=3,
    )
    site = app.state.site
    loop = asyncio.get_running_loop()

    def end_streams() -> None:
        loop.call_soon_threadsafe(site.live.end_streams)

    server = _Server(config, end_streams)
    await server.serve(sockets=[listener])


def _listening(options: DashboardOptions) -> socket.socket:
    try:
        found = socket.getaddrinfo(
            options.host.strip("[]"), options.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        family, kind, number, _, address = found[0]
        listener = socket.socket(family, kind, number)
    except OSError as error:
        raise UsageError(f"{options.host} is no address of this machine: {error}") from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(256)  # whoever reads the address may come at once
    except OSError as error:
        listener.close()
        raise UsageError(
            f"cannot listen on {options.host}:{options.port}: {error.strerror}",
            help="take another --port, or 0 for any free one",
        ) from error
    return listener
