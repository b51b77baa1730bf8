"""A virtual environment for each peer, made at first use and kept: none is a dependency of the project."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from benchmarks.server import BenchmarkError


def python_with(name: str, requirements: Sequence[str]) -> Path:
    """The interpreter of an environment that has these requirements, pinned.

    Raises:
        BenchmarkError: pip cannot install them; with what it said.
    """
    digest = sha256("\n".join([sys.version, *requirements]).encode()).hexdigest()[:10]
    folder = _cache() / f"{name}-{digest}"
    python = folder / "bin" / "python"
    if (folder / "complete").exists():
        return python
    print(f"installing {', '.join(requirements)} into {folder}", file=sys.stderr, flush=True)
    shutil.rmtree(folder, ignore_errors=True)
    _run([sys.executable, "-m", "venv", str(folder)])
    _run([str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *requirements])
    (folder / "complete").touch()
    return python


def _cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "pgflow-benchmarks"


def _run(command: Sequence[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BenchmarkError(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}".rstrip())
