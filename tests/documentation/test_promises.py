"""The page of promises names its proofs: each is a test of this repository."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "promises.md").read_text(encoding="utf-8")
PROOFS = sorted(set(re.findall(r"`(tests/[\w/]+\.py)(?:::(test_\w+))?`", PAGE)))


def test_the_page_has_proofs() -> None:
    rows = [line for line in PAGE.splitlines() if line.startswith("| ") and "`tests/" in line]
    promises = [line for line in PAGE.splitlines() if re.match(r"\| (?!promise)[a-z]", line)]
    assert len(rows) == len(promises) > 20


@pytest.mark.parametrize(("file", "name"), PROOFS)
def test_a_proof_exists(file: str, name: str) -> None:
    text = (ROOT / file).read_text(encoding="utf-8")
    assert re.search(rf"^(?:async )?def {name or 'test_'}", text, re.MULTILINE)
