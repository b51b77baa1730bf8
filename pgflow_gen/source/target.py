"""The Python that a project is written for: what checkers of types take ``sys.version_info`` to be."""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

from pgflow_shared.system.files import read_text

Version: TypeAlias = tuple[int, int]
OLDEST: Version = (3, 11)
"""The runtime runs on none that is older."""


def target_version(root: Path) -> Version:
    """What the project says, else the running Python's version."""
    return stated_version(root) or sys.version_info[:2]


def stated_version(root: Path) -> Version | None:
    """mypy's ``python_version`` for the project, else the least that ``requires-python`` allows."""
    text = str(mypy_file(root).get("mypy", {}).get("python_version", "")).strip()
    if text:
        written = re.fullmatch(r"(\d+)\.(\d+)", text)
        version = (int(written[1]), int(written[2])) if written is not None else (0, 0)
        return version if version >= OLDEST else None
    least = _required(root)
    return max(least, OLDEST) if least is not None else None


def _required(root: Path) -> Version | None:
    """The lower bound of ``requires-python``."""
    try:
        project = tomllib.loads(read_text(root / "pyproject.toml")).get("project", {})
    except (OSError, ValueError, RecursionError):
        return None
    text = project.get("requires-python", "") if isinstance(project, dict) else ""
    found = re.search(r"(?:>=|~=|==)\s*(\d+)\.(\d+)", str(text))
    return (int(found[1]), int(found[2])) if found is not None else None


def mypy_file(root: Path) -> Mapping[str, Mapping[str, Any]]:
    """The sections of the first file with a ``[mypy]``, in mypy's order; broken files have none."""
    for name in ("mypy.ini", ".mypy.ini", "pyproject.toml", "setup.cfg"):
        try:
            text = read_text(root / name)
            sections = tomllib.loads(text).get("tool", {}) if name.endswith(".toml") else _ini(text)
            if isinstance(sections["mypy"], dict):
                return {key: value for key, value in sections.items() if isinstance(value, dict)}
        except (OSError, ValueError, KeyError, AttributeError, TypeError, RecursionError):
            continue
    return {}


def _ini(text: str) -> dict[str, dict[str, str]]:
    """Raises ValueError."""
    import configparser  # most projects have no such file

    parser = configparser.RawConfigParser()
    try:
        parser.read_string(text)
        return {name: dict(parser[name]) for name in parser.sections()}
    except configparser.Error as error:
        raise ValueError(str(error)) from error
