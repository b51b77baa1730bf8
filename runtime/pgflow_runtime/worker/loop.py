"""The event loops of a worker that has its process to itself."""

from __future__ import annotations

import asyncio

from pgflow_runtime import forks


def own_loop() -> asyncio.AbstractEventLoop:
    """A new loop of the program's policy; what it waits for stays out of reach of forked children.

    A child shares the kernel's list of what is waited for: a word of its own there would deafen this loop.
    """
    loop = asyncio.new_event_loop()
    for name in ("_selector", "_ssock", "_csock"):  # loops that are not asyncio's see to it themselves
        file = getattr(loop, name, None)
        if file is not None and hasattr(file, "fileno"):
            forks.keep(file)
    return loop
