"""What ``migrate --json`` said, in the few words that matter to who is writing flows."""

from __future__ import annotations

import json
from collections.abc import Sequence


def told(lines: Sequence[str]) -> list[str]:
    """The output's lines as sentences; none when everything was up to date."""
    start = next((number for number, line in enumerate(lines) if line == "{"), None)
    if start is None:
        return list(lines)
    report = json.loads("\n".join(lines[start:]))
    found: list[str] = []
    if report["core"]:
        queue = "pgmq and " if report["pgmq"] != "present" else ""
        found.append(f"installed {queue}the core")
    for slug in report["recreated"]:
        found.append(f"made flow '{slug}' anew; its runs are gone")
    if report["flows"]:
        found.append(f"applied {', '.join(report['flows'])}")
    return found + [f"note: {note}" for note in report["notes"]]
