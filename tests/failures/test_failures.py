"""Every failure case yields exactly its expected report; every code has at least one case."""

from __future__ import annotations

import pytest

from pgflow_gen.checks import rules
from tests.failures.cases import Case, cases

ELSEWHERE = {
    "PGF401": "tests/unit/write",
    "PGF402": "tests/unit/write",
    "PGF403": "tests/unit/write",
    "PGF404": "tests/unit/write",
}
"""Codes about generated files and their history: no case of source alone can yield them."""


@pytest.mark.parametrize("case", cases(), ids=str)
def test_case(case: Case) -> None:
    found = case.report().diagnostics
    assert case.code in {item.code for item in found}
    assert case.text() == case.expected.read_text(encoding="utf-8")


def test_every_code_has_a_case() -> None:
    assert {case.code for case in cases()} == set(rules()) - set(ELSEWHERE)
