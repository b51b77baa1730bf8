"""The worker's log lines, laid out for somebody who sits before them."""

from __future__ import annotations

import re

_FAILED = re.compile(r"(?P<message>.*?\\n  File .*?)(?P<ids>  flow=\w+ run=[0-9a-f-]{36} .*)?", re.DOTALL)


def laid_out(line: str) -> str:
    r"""A failure's traceback below its line; the worker writes an event on one line, with ``\n`` in it."""
    found = _FAILED.fullmatch(line)
    if found is None:
        return line
    first, *rest = found["message"].split("\\n")
    return "\n".join([f"{first}{found['ids'] or ''}", *rest])
