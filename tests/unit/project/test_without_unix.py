"""Worker and client import on systems that have no ``fcntl`` and no ``pwd``."""

from __future__ import annotations

import subprocess
import sys

import pytest

MODULES = [
    "pgflow_runtime", "pgflow_runtime.client", "pgflow_runtime.worker", "pgflow_runtime.dsl",
    "pgflow_runtime.cli.worker", "pgflow_runtime.cli.start", "pgflow_runtime.cli.runs.command",
    "pgflow_runtime.cli.migrate", "pgflow_runtime.doctor", "pgflow_runtime.dashboard", "pgflow_command.app",
    "pgflow_gen.pipeline", "pgflow_gen.cli.build",
]  # fmt: skip
HIDDEN = ("fcntl", "pwd", "grp", "resource", "termios", "tty", "pty")


@pytest.mark.parametrize("module", MODULES)
def test_it_imports(module: str) -> None:
    program = (
        "import sys\n"
        f"for name in {HIDDEN!r}:\n"
        "    sys.modules[name] = None\n"
        f"import {module}\n"
        "from pgflow_runtime import Flow\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
