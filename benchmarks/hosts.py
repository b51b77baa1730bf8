"""Hosts of our own: network namespaces on one bridge, each with an address nobody else can reach.

The bridge lies in a namespace of its own too, so that nothing of the machine's network is touched or named.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

NETWORK = "10.213.7"


@dataclass(frozen=True)
class Host:
    """A network namespace with one interface, connected to the switch by a cable."""

    name: str
    address: str
    switch: str
    port: str

    @property
    def prefix(self) -> tuple[str, ...]:
        """Runs a command on this host."""
        return ("ip", "netns", "exec", self.name)

    def cut_off(self) -> None:
        """Pull the cable: packets vanish, no connection is told."""
        _ip("-n", self.switch, "link", "set", self.port, "down")

    def bring_back(self) -> None:
        _ip("-n", self.switch, "link", "set", self.port, "up")


def why_not() -> str | None:
    """Why this machine cannot make hosts; None where it can."""
    if shutil.which("ip") is None:
        return "network namespaces need the command ip (package iproute2)"
    probe = f"pgflow-probe-{os.getpid()}"
    made = subprocess.run(["ip", "netns", "add", probe], capture_output=True, text=True, check=False)
    if made.returncode:
        return f"network namespaces cannot be made here (root is needed): {made.stderr.strip()}"
    try:
        for kind in (["bridge"], ["veth", "peer", "name", "two"]):
            added = subprocess.run(
                ["ip", "-n", probe, "link", "add", "name", "one", "type", *kind],
                capture_output=True,
                text=True,
                check=False,
            )
            if added.returncode:
                return f"no {kind[0]} interfaces here: {added.stderr.strip()}"
            _ip("-n", probe, "link", "del", "one")
    finally:
        _ip("netns", "del", probe)
    return None


@contextmanager
def hosts(count: int) -> Iterator[list[Host]]:
    """So many hosts that reach each other; gone afterwards."""
    tag = f"pgflow-{os.getpid()}"
    switch = f"{tag}-switch"
    made = [switch]
    _ip("netns", "add", switch)
    try:
        _ip("-n", switch, "link", "add", "bridge", "type", "bridge")
        _ip("-n", switch, "link", "set", "bridge", "up")
        found: list[Host] = []
        for number in range(1, count + 1):
            host = Host(f"{tag}-{number}", f"{NETWORK}.{number}", switch, f"port{number}")
            _ip("netns", "add", host.name)
            made.append(host.name)
            _plug_in(host)
            found.append(host)
        yield found
    finally:
        remove(reversed(made))


def remove(names: Iterable[str]) -> None:
    """Take namespaces away, those that are there still."""
    for name in names:
        subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)


def _plug_in(host: Host) -> None:
    _ip("link", "add", host.port, "netns", host.switch, "type", "veth", "peer", "eth0", "netns", host.name)
    _ip("-n", host.switch, "link", "set", host.port, "master", "bridge", "up")
    _ip("-n", host.name, "address", "add", f"{host.address}/24", "dev", "eth0")
    _ip("-n", host.name, "link", "set", "lo", "up")
    _ip("-n", host.name, "link", "set", "eth0", "up")


def _ip(*arguments: str) -> None:
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"ip {' '.join(arguments)}: {done.stderr}"
