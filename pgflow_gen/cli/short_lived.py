"""Commands that end as soon as their work is done: the operating system takes back what they leave."""

from __future__ import annotations

import atexit
import gc


def short_lived() -> None:
    """No looking for reference cycles from here to the end; after a large build that takes half a second."""
    if gc.isenabled():
        gc.disable()
        # The interpreter would look once more while it shuts down.
        atexit.register(gc.freeze)
