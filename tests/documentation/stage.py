"""Where a page's blocks happen: a folder, a database, and the commands left running."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

import psycopg
import yaml

from tests.documentation.blocks import Block, Command, commands_of, missing_line
from tests.support.background import background
from tests.support.project import clean_environment
from tests.support.wait import eventually

RUN_PYTHON = """
import sys
code = compile(sys.stdin.read(), "<the page>", "exec")
sys.path.insert(0, "")
exec(code, {"__name__": "__main__"})
"""


class Stage:
    """Runs blocks one after the other, as a reader would."""

    def __init__(
        self, root: Path, dsn: str | None, running: ExitStack, variables: Mapping[str, str] | None = None
    ) -> None:
        self._variables = dict(variables or {})
        self.root = root
        self.dsn = dsn
        self._running = running
        self._output = ""
        self._count = 0

    def run(self, block: Block) -> None:
        if block.directive.startswith("skip: "):
            return
        if block.title is not None:
            self._write(block)
        elif block.language == "console":
            self._console(block)
        elif block.language == "python":
            self._python(block)
        elif block.language == "text":
            gone = missing_line(tuple(block.text.splitlines()), self._output)
            assert gone is None, f"not printed: {gone!r}; printed was\n{self._output}"
        elif block.language == "sql":
            self._sql(block)
        elif block.language == "json":
            json.loads(block.text)
        elif block.language == "toml":
            tomllib.loads(block.text)
        elif block.language == "yaml":
            yaml.safe_load(block.text)
        else:
            raise AssertionError(f"nobody knows how to run a block of {block.language}")

    def _write(self, block: Block) -> None:
        assert block.title is not None
        target = self.root / block.title
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(block.text, encoding="utf-8")

    def _environment(self) -> dict[str, str]:
        known = {} if self.dsn is None else {"PGFLOW_DSN": self.dsn}
        return clean_environment() | known | self._variables | {"COLUMNS": "120", "PYTHONUNBUFFERED": "1"}

    def _console(self, block: Block) -> None:
        commands = commands_of(block.text)
        assert commands, "a console block without a command"
        for command in commands:
            is_last = command is commands[-1]
            if block.directive == "background" and is_last:
                self._background(command)
                continue
            done = self._shell(["bash", "-c", f"set -o pipefail\n{command.line}"])
            self._output = done.stdout + done.stderr
            must_fail = block.directive == "fails" and is_last
            assert (done.returncode != 0) == must_fail, f"$ {command.line}\n{self._output}"
            gone = missing_line(command.shown, self._output)
            assert gone is None, f"$ {command.line}\nnot printed: {gone!r}; printed was\n{self._output}"

    def _background(self, command: Command) -> None:
        self._count += 1
        log = self.root / ".pgflow" / f"background-{self._count}.log"
        self._running.enter_context(
            background(
                ["bash", "-c", f"exec {command.line}"],
                cwd=self.root,
                environment=self._environment(),
                log=log,
                ready="",
            )
        )
        eventually(lambda: missing_line(command.shown, log.read_text()) is None, timeout=60)

    def _python(self, block: Block) -> None:
        done = self._shell([sys.executable, "-c", RUN_PYTHON], block.text)
        self._output = done.stdout
        assert done.returncode == 0, done.stdout + done.stderr

    def _shell(self, arguments: list[str], text: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            arguments,
            cwd=self.root,
            env=self._environment(),
            input=text,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def _sql(self, block: Block) -> None:
        assert self.dsn is not None, "a page on the embedded server has no SQL"
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            connection.execute(block.text.encode())
