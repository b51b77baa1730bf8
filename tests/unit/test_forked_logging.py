"""A child that is forked while another thread writes a log line can write its own."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import termios

from tests.support.wait import eventually

PROGRAM = """
import os, sys, threading
from pgflow_runtime.worker import logs

logs.set_up("text", "info")
threading.Thread(target=logs.logger.info, args=("x" * 300_000,), daemon=True).start()
sys.stdin.readline()
child = os.fork()
if child == 0:
    logs.logger.info("from the child")
    os._exit(0)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
FULL = 60_000
"""Bytes in the pipe at which the writer must wait."""


def test_a_child_forked_while_another_thread_writes() -> None:
    pipe = subprocess.PIPE
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM], stdin=pipe, stdout=pipe, stderr=pipe, text=True
    )
    try:
        assert process.stderr is not None
        number = process.stderr.fileno()
        eventually(lambda: _waiting(number) > FULL)
        output, errors = process.communicate("go\n", timeout=30)
        assert (output, process.returncode) == ("0\n", 0)
        assert "from the child" in errors
    finally:
        process.kill()
        process.wait()


def _waiting(number: int) -> int:
    """Bytes that nobody has read yet."""
    answer = bytearray(4)
    fcntl.ioctl(number, termios.FIONREAD, answer)
    return int.from_bytes(answer, sys.byteorder)


def test_log_lines_go_out_whole() -> None:
    program = """
from pgflow_runtime.worker import logs
logs.set_up("text", "info")
logs.logger.info("%s", "ä\\ud800" * 100_000)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert done.stderr.decode().count("ä\\ud800") == 100_000
    assert os.linesep in done.stderr.decode()
