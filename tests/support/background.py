"""A command that runs beside a test: started, waited for by what it prints, stopped with SIGTERM."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.support.wait import eventually


@contextmanager
def background(
    arguments: Sequence[str], *, cwd: Path, environment: Mapping[str, str], log: Path, ready: str
) -> Iterator[re.Match[str]]:
    """The command runs inside the block; yields what matched the pattern ``ready`` in its output."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w") as sink:
        process = subprocess.Popen(
            arguments, cwd=cwd, env=dict(environment), stdout=sink, stderr=subprocess.STDOUT
        )
    try:
        found = eventually(lambda: _found(process, log, ready))
        assert found is not None
        yield found
    except BaseException:
        print(log.read_text(), file=sys.stderr)
        raise
    finally:
        process.terminate()
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _found(process: subprocess.Popen[bytes], log: Path, ready: str) -> re.Match[str] | None:
    found = re.search(ready, log.read_text())
    if found is None and process.poll() is not None:
        raise RuntimeError(f"ended with {process.returncode}:\n{log.read_text()}")
    return found
