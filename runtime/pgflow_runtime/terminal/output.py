"""Whether a stream shows pictures or takes plain text."""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib.util import find_spec
from typing import TextIO


def shows_pictures(stream: TextIO | None, environ: Mapping[str, str] = os.environ) -> bool:
    """Whether to draw on ``stream``: a terminal that can, where the library for it is installed."""
    return _is_terminal(stream, environ) and find_spec("rich") is not None


def shows_colours(stream: TextIO | None, environ: Mapping[str, str] = os.environ) -> bool:
    """Whether to colour lines for ``stream``: a terminal, unless NO_COLOR; anything with FORCE_COLOR."""
    if environ.get("NO_COLOR"):
        return False
    return bool(environ.get("FORCE_COLOR")) or _is_terminal(stream, environ)


def _is_terminal(stream: TextIO | None, environ: Mapping[str, str]) -> bool:
    """Whether ``stream`` is a terminal that can draw; one that was not given is none."""
    return stream is not None and stream.isatty() and environ.get("TERM") not in ("dumb", "unknown")
