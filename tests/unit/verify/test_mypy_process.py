"""mypy does not outlive the build that asked it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

FLOW = """\
from pgflow_runtime import Flow

greet = Flow[str]("greet")

@greet.step
def hello(flow_input: str) -> str:
    return flow_input
"""
# mypy's process opens the pipe, says so, and then never gets any further.
PLUGIN = """\
import os, threading

pipe = os.open(os.environ["TOLD_THROUGH"], os.O_WRONLY)
os.write(pipe, b"mypy is here\\n")
threading.Event().wait()
"""


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes are needed to see a process end")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_killed_build_takes_mypy_along(tmp_path: Path, number: signal.Signals) -> None:
    (tmp_path / "flows").mkdir()
    (tmp_path / "flows" / "greet.py").write_text(FLOW)
    (tmp_path / "pyproject.toml").write_text("[tool.pgflow-gen]\n")
    (tmp_path / "plugin.py").write_text(PLUGIN)
    (tmp_path / "mypy.ini").write_text("[mypy]\nplugins = plugin.py\n")
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with (
        subprocess.Popen(
            [sys.executable, "-m", "pgflow_gen", "build"],
            cwd=tmp_path,
            env=os.environ | {"TOLD_THROUGH": str(pipe)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as build,
        open(pipe, "rb") as told,
    ):
        assert told.readline() == b"mypy is here\n"
        build.send_signal(number)
        assert build.wait() != 0
        # The end of the pipe: nobody holds its other end any more.
        assert told.read() == b""
