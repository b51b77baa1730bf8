"""What a dashboard is told when it starts, and what it refuses."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from pgflow_runtime.errors import UsageError

TOKEN_LENGTH = 16
"""Characters a token has at least."""


@dataclass(frozen=True, slots=True)
class DashboardOptions:
    """Where the dashboard listens, and what it lets people do. Raises UsageError."""

    host: str = "127.0.0.1"
    port: int = 8642
    """0: a free one."""
    token: str | None = None
    """What people have to know to get in; None: everybody on this machine may look."""
    allow_start: bool = False
    allowed_hosts: tuple[str, ...] = ()
    """Names, beside localhost and addresses, under which a browser may ask for it."""
    allow_control: bool = False
    """Let people act on runs and flows, and start runs."""

    def __post_init__(self) -> None:
        if self.token is not None and len(self.token) < TOKEN_LENGTH:
            raise UsageError(
                f"the token has {len(self.token)} characters, it needs {TOKEN_LENGTH}",
                help="make one: python -c 'import secrets; print(secrets.token_urlsafe())'",
            )
        if self.token is None and not is_loopback(self.host):
            raise UsageError(
                f"{self.host} can be reached from other machines, and there is no token",
                help="set PGFLOW_DASHBOARD_TOKEN, or listen on 127.0.0.1 and use a tunnel:"
                " ssh -L 8642:localhost:8642 <that machine>",
            )

    @property
    def may_start(self) -> bool:
        """Whether people may start runs."""
        return self.allow_start or self.allow_control


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach what listens there."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
