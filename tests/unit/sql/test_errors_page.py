"""docs/errors.md lists every SQLSTATE of the core and every exception, as they are."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from pgflow_runtime.errors import BY_SQLSTATE
from pgflow_sql import schema_files

ROOT = Path(__file__).resolve().parents[3]


def page() -> str:
    return (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")


def test_page_is_up_to_date() -> None:
    command = [sys.executable, "scripts/errors_page.py", "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"run `python scripts/errors_page.py`\n{done.stdout}{done.stderr}"


def test_every_sqlstate_the_core_raises_has_a_class_and_a_row() -> None:
    raised = {state for file in schema_files() for state in re.findall(r"errcode = '(\w+)'", file.text)}
    assert raised
    assert {state for state in raised if state.startswith("PF")} <= BY_SQLSTATE.keys()
    ours = {state for state in raised if not state.startswith("23")}  # those are PostgreSQL's, of constraints
    assert {state for state in ours if f"| `{state}` |" not in page()} == set()


def test_every_row_has_a_cause_and_a_way_out() -> None:
    rows = [line for line in page().splitlines() if line.startswith("| ") and "`" in line]
    assert len(rows) > 30
    for row in rows:
        assert all(cell.strip() for cell in re.split(r"(?<!\\)\|", row)[1:-1]), row
