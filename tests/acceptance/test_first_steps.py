"""The first ten minutes: install the wheel, `init`, `dev`, start a run, change a handler, break a type."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from pgflow_runtime.database.embedded.location import location_of
from tests.support.dev import Dev
from tests.support.project import clean_environment


@dataclass(frozen=True)
class Newcomer:
    """An empty folder, and a virtual environment with nothing of this repository but its wheel."""

    folder: Path
    command: str

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.command, *arguments],
            cwd=self.folder,
            env=clean_environment(),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def change(self, path: str, old: str, new: str) -> None:
        file = self.folder / path
        text = file.read_text(encoding="utf-8")
        assert old in text
        file.write_text(text.replace(old, new), encoding="utf-8")

    def letters(self) -> str:
        """What the step ``write`` of the latest run returned."""
        (run, *_) = json.loads(self.run("runs", "list", "--json").stdout)
        shown = json.loads(self.run("runs", "show", run["run_id"], "--json").stdout)
        (step,) = [step for step in shown["steps"] if step["step_slug"] == "write"]
        return str(step["output"][0]["text"])


@pytest.fixture
def newcomer(command: str, tmp_path: Path) -> Iterator[Newcomer]:
    folder = tmp_path / "hello"
    folder.mkdir()
    yield Newcomer(folder, command)
    if os.geteuid() == 0:
        shutil.rmtree(location_of(folder).folder, ignore_errors=True)


def test_from_an_empty_folder_to_a_changed_handler(newcomer: Newcomer) -> None:
    done = newcomer.run("init")
    assert (done.returncode, "Next: pgflow-gen dev" in done.stderr) == (0, True), done.stderr

    dev = Dev(newcomer.folder, "--no-dashboard", command=[newcomer.command])
    try:
        dev.until("ready")
        offered = dev.log.partition("pgflow-gen start ")[2].splitlines()[0]
        assert offered == """greeting '{"names": ["a"]}' --wait"""
        done = newcomer.run("start", "greeting", '{"names": ["Ada", "Grace"]}', "--wait")
        assert json.loads(done.stdout) == {"summary": {"letters": 2, "longest": "Grace"}}, done.stderr
        assert newcomer.letters() == "Dear Ada, welcome!"

        newcomer.change("flows/greeting.py", "welcome!", "hello!")
        dev.until(" serving greeting ", 2)
        newcomer.run("start", "greeting", '{"names": ["Ada"]}', "--wait")
        assert newcomer.letters() == "Dear Ada, hello!"

        newcomer.change("flows/greeting.py", "summary(write: list[Letter])", "summary(write: list[str])")
        dev.until("flows/greeting.py:39:13: error[PGF303]: step 'summary' asks for write: list[str]")
        dev.until("help: annotate the parameter as list[Letter]")
        assert newcomer.run("start", "greeting", '{"names": ["Ada"]}', "--wait").returncode == 0

        newcomer.change("flows/greeting.py", "summary(write: list[str])", "summary(write: list[Letter])")
        dev.until(" serving greeting ", 3)
        assert newcomer.run("start", "greeting", '{"names": "Ada"}').returncode == 1

        dev.interrupt()
        assert dev.ended() == 0
    finally:
        dev.clear_away()
