"""The names under which a small server of ours answers.

A page of somebody else's, whose name suddenly means 127.0.0.1, makes a browser ask us in that name. An
address can be made to mean no other machine.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection


def is_known(host: str, allowed: Collection[str]) -> bool:
    """Whether a ``Host`` header names localhost, an address, or one of ``allowed`` (in lower case)."""
    name = _name_of(host)
    if name == "localhost" or name in allowed:
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _name_of(host: str) -> str:
    """``localhost:80`` -> ``localhost``, ``[::1]:80`` -> ``::1``."""
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.partition(":")[0].lower().rstrip(".")
