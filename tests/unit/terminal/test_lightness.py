"""What draws in a terminal is loaded where something is drawn, and nowhere else."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    "module",
    [
        "pgflow_runtime.worker",
        "pgflow_runtime.client",
        "pgflow_runtime.cli.runs.command",
        "pgflow_runtime.cli.start",
    ],
)
def test_rich_is_not_loaded_to_work_start_or_talk(module: str) -> None:
    program = f"import sys, {module}; sys.exit('rich' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
