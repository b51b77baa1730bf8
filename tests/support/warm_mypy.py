"""What mypy knows of the library and the runtime, for projects that are built for the first time.

A first build has mypy read some hundred modules that are the same for each: three of its four seconds.
The tests build dozens of projects, so they begin with what one of them has left.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path

from pgflow_gen.config import Config
from pgflow_gen.kept import CACHE
from pgflow_gen.pipeline import build
from tests.support.analysis import seed_cache

_JUDGING = {"build", "check", "release"}
_COLD = {"--no-verify", "--no-cache", "--help"}
_FLOW = """
import asyncio
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypedDict
from uuid import UUID

import msgspec

from pgflow_runtime import Flow

warm = Flow[int]("warm")


@warm.step
def up(flow_input: int) -> int:
    return flow_input + 1
"""


def warm(root: Path, arguments: Sequence[str]) -> None:
    """Give a project that has no cache yet one of mypy's, if the command with these arguments asks mypy."""
    if not arguments or arguments[0] not in _JUDGING or _COLD & set(arguments):
        return
    if os.path.lexists(root / CACHE.parts[0]) or not (root / "pyproject.toml").exists():
        return
    with suppress(OSError):  # such a folder is what the command will have to do with
        seed_cache(root.resolve(), left_by_a_build())


@cache
def left_by_a_build() -> Path:
    """mypy's cache after the first build of a small project; made once a process, and only read."""
    root = Path(tempfile.mkdtemp(prefix="pgflow-warm-")).resolve()
    atexit.register(shutil.rmtree, root, ignore_errors=True)
    (root / "flows").mkdir()
    (root / "flows" / "warm.py").write_text(_FLOW, encoding="utf-8")
    report = build(Config(root))
    assert not report.diagnostics, report.diagnostics
    return root / CACHE / "mypy"
