"""Failure cases: small projects with faults, and the exact report that they earn.

``tests/failures/PGF303/<case>/`` holds ``flows/`` (and whatever else the case needs) and
``expected.txt``, the report of ``check``. A file named ``verify`` lets mypy judge as well.
"""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from pgflow_gen.config import Config, load_config
from pgflow_gen.pipeline import BuildReport, check
from pgflow_gen.report import render_report

ROOT = Path(__file__).parent


@dataclass(frozen=True)
class Case:
    code: str
    folder: Path

    def __str__(self) -> str:
        return f"{self.code}/{self.folder.name}"

    @property
    def expected(self) -> Path:
        return self.folder / "expected.txt"

    def report(self) -> BuildReport:
        """What ``check`` says about a copy of the case's folder (mypy leaves a cache behind)."""
        with tempfile.TemporaryDirectory() as scratch:
            root = Path(shutil.copytree(self.folder, Path(scratch) / "project")).resolve()
            config = load_config(root) if (root / "pyproject.toml").is_file() else Config(root)
            return check(config, verify=(root / "verify").exists())

    def text(self) -> str:
        report = self.report()
        return render_report("text", report.diagnostics, report.sources)


def cases() -> list[Case]:
    """All cases, by code and name."""
    return [
        Case(code.name, folder)
        for code in sorted(ROOT.glob("PGF*"))
        for folder in sorted(code.iterdir())
        if folder.is_dir()
    ]
