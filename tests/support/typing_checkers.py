"""Run mypy and pyright once each over all programs in tests/typing, and read the markers they carry.

A line both checkers must refuse ends in ``# E``; one that only one of them sees says so: ``# E: pyright``.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeAlias

HERE = Path(__file__).resolve().parent.parent / "typing"
ROOT = HERE.parent.parent
Found: TypeAlias = dict[Path, set[int]]
"""The lines refused, by program."""
_MARKER = re.compile(r"# E(?:: (?P<only>mypy|pyright))?$")


def programs(kind: str) -> list[Path]:
    return sorted((HERE / kind).glob("*.py"))


def marked(path: Path, checker: str) -> set[int]:
    """The lines that one checker must refuse, as the program says."""
    markers = {
        number: _MARKER.search(line) for number, line in enumerate(path.read_text().splitlines(), start=1)
    }
    return {number for number, found in markers.items() if found and found["only"] in (None, checker)}


def run_mypy(cache: Path) -> Found:
    """What mypy refuses, from one run over all programs under the project's configuration."""
    command = [sys.executable, "-m", "mypy", "--output", "json", "--cache-dir", str(cache)]
    paths = [str(path) for kind in ("ok", "bad", "health") for path in programs(kind)]
    done = subprocess.run([*command, *paths], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stdout + done.stderr
    items = [json.loads(line) for line in done.stdout.splitlines()]
    return _collect((item["file"], item["line"]) for item in items if item["severity"] == "error")


def run_pyright() -> Found:
    """What pyright (strict) refuses, from one run over all programs."""
    command = [sys.executable, "-m", "pyright", "--outputjson", "--pythonpath", sys.executable]
    done = subprocess.run(
        [*command, "--project", str(HERE)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode in (0, 1), done.stdout + done.stderr
    items: list[dict[str, Any]] = json.loads(done.stdout)["generalDiagnostics"]
    return _collect((item["file"], item["range"]["start"]["line"] + 1) for item in items)


def _collect(faults: Iterator[tuple[str, int]]) -> Found:
    found: Found = {}
    for file, line in faults:
        found.setdefault((ROOT / file).resolve(), set()).add(line)
    return found
