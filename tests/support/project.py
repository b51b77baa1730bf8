"""A user's project in a scratch folder, and the commands a user would run there."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.warm_mypy import warm

REPOSITORY = Path(__file__).resolve().parents[2]
_FOREIGN = ("PGFLOW_", "PG", "DATABASE_URL", "PYTHONPATH", "VIRTUAL_ENV", "FORCE_COLOR", "NO_COLOR")


def clean_environment() -> dict[str, str]:
    """This process's environment without anything that would point a command elsewhere."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)}
    return kept | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{kept.get('PATH', '')}"}


@dataclass(frozen=True)
class Project:
    """A folder with a pyproject.toml; commands run in it as processes of their own."""

    root: Path

    @classmethod
    def make(cls, root: Path, files: Mapping[str, str], config: str = "") -> Project:
        project = cls(root)
        project.write("pyproject.toml", f"[tool.pgflow-gen]\n{config}")
        for path, text in files.items():
            project.write(path, text)
        return project

    def write(self, path: str, text: str) -> Path:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
        return target

    def python(
        self, *arguments: str, timeout: float = 120, variables: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=self.root,
            env=clean_environment() | dict(variables or {}),
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def run(self, *arguments: str, timeout: float = 120) -> subprocess.CompletedProcess[str]:
        """``pgflow-gen`` with these arguments; a traceback in its output is always a failure."""
        warm(self.root, arguments)
        done = self.python("-m", "pgflow_gen", *arguments, timeout=timeout)
        assert "Traceback" not in done.stderr, done.stderr
        return done

    def ok(self, *arguments: str, timeout: float = 120) -> subprocess.CompletedProcess[str]:
        done = self.run(*arguments, timeout=timeout)
        assert done.returncode == 0, f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    @contextmanager
    def worker(self, *arguments: str, log: Path | None = None) -> Iterator[subprocess.Popen[str]]:
        """A running ``pgflow-gen worker``; SIGTERM at the end must end it with 0."""
        log = log or self.root / ".pgflow" / "worker.log"
        log.parent.mkdir(exist_ok=True)
        with log.open("w") as sink:
            process = subprocess.Popen(
                [sys.executable, "-m", "pgflow_gen", "worker", *arguments],
                cwd=self.root,
                env=clean_environment(),
                stdout=sink,
                stderr=subprocess.STDOUT,
                text=True,
            )
            try:
                yield process
                if process.poll() is None:
                    process.send_signal(signal.SIGTERM)
                code = process.wait(timeout=60)
                assert code == 0, f"the worker ended with {code}:\n{log.read_text()}"
            except BaseException:
                process.kill()
                process.wait()
                print(log.read_text(), file=sys.stderr)
                raise
