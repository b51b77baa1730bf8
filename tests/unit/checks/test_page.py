"""docs/diagnostics.md is what the rules say now."""

from __future__ import annotations

import subprocess
import sys

from pgflow_gen.checks import rules
from tests.support.project import REPOSITORY


def test_the_page_is_up_to_date() -> None:
    script = REPOSITORY / "scripts" / "diagnostics_page.py"
    done = subprocess.run(
        [sys.executable, str(script), "--check"], capture_output=True, text=True, cwd=REPOSITORY, check=False
    )
    assert done.returncode == 0, f"run `python scripts/diagnostics_page.py`\n{done.stdout}{done.stderr}"


def test_every_code_has_its_section() -> None:
    text = (REPOSITORY / "docs" / "diagnostics.md").read_text(encoding="utf-8")
    for code in rules():
        assert f"\n## {code}\n" in text
