"""Running mypy, in a process of its own: it may crash, and it keeps state."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pgflow_gen.config import Config, ConfigError
from pgflow_gen.light_dataclass import dataclass
from pgflow_gen.verify.staging import Staging

_FLAGS = (
    "--output=json",
    "--no-error-summary",
    "--no-color-output",
    "--hide-error-context",
    "--show-absolute-path",
)
_MYPY_PROCESS = Path(__file__).with_name("mypy_process.py")


class VerifyError(ConfigError):
    """mypy could not judge the flows at all."""


@dataclass(frozen=True, slots=True)
class Reported:
    """One error of mypy's. ``path`` is absolute; ``hint`` holds the notes that belong to it."""

    path: Path
    line: int
    code: str
    message: str
    hint: str = ""

    @property
    def is_syntax(self) -> bool:
        """Whether this is a module that does not parse, which stops mypy before it judges anything."""
        return self.code == "syntax"


def run_mypy(staging: Staging, config: Config) -> list[Reported]:
    """mypy's errors about the staged wiring and all it imports. Raises VerifyError."""
    roots = [str(staging.folder), *(str((config.root / source).resolve()) for source in config.src)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MYPY")}
    environment |= {"MYPYPATH": os.pathsep.join(roots), "PYTHONUTF8": "1"}
    done = _run([*_FLAGS, "--config-file", str(staging.ini), str(staging.wiring)], config.root, environment)
    reported, rest = _decode(done.stdout, config.root)
    stopped = [item for item in reported if item.is_syntax][:1]
    if (done.returncode not in (0, 1) or rest) and not stopped:
        # A module that mypy will not have at all, such as a `types.py`, is an error like any other by form.
        refused = [f"{item.path.name}: error: {item.message}" for item in reported]
        raise _cannot_judge([*rest, *refused, *done.stderr.splitlines()])
    # The first error of a module that does not parse says it; the others follow from it.
    return stopped or reported


def _run(
    arguments: Sequence[str], folder: Path, environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """mypy, which ends with this process, however that ends: it holds the other end of mypy's stdin."""
    stdin, ours = os.pipe()
    try:
        return subprocess.run(
            [sys.executable, "-P", str(_MYPY_PROCESS), *arguments],
            cwd=folder,
            env=environment,
            stdin=stdin,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
    finally:
        os.close(stdin)
        os.close(ours)


def _decode(output: str, root: Path) -> tuple[list[Reported], list[str]]:
    """The errors, and the lines that are none: mypy complains about itself in plain text."""
    reported: list[Reported] = []
    rest: list[str] = []
    for line in filter(str.strip, output.splitlines()):
        try:
            item: dict[str, Any] = json.loads(line)
            if item["severity"] == "error":
                reported.append(_reported(item, root))
        except (ValueError, KeyError, TypeError):
            rest.append(line)
    return reported, rest


def _reported(item: dict[str, Any], root: Path) -> Reported:
    path = (root / str(item["file"])).resolve()
    hint = item.get("hint")
    return Reported(
        path, int(item["line"]), str(item.get("code") or ""), str(item["message"]), str(hint or "")
    )


def _cannot_judge(lines: list[str]) -> VerifyError:
    told = next((line for line in lines if "error:" in line), lines[0] if lines else "no output")
    return VerifyError(
        f"mypy cannot judge the flows: {told.strip()}",
        help="mend that, or build with --no-verify and let CI run mypy",
    )
