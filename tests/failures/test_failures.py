"""Every failure case yields exactly its expected report; every code has at least one case."""

from __future__ import annotations

import pytest

from pgflow_gen.checks import rules
from tests.failures.cases import Case, cases


@pytest.mark.parametrize("case", cases(), ids=str)
def test_case(case: Case) -> None:
    found = case.report().diagnostics
    assert case.code in {item.code for item in found}
    assert case.text() == case.expected.read_text(encoding="utf-8")


def test_every_code_has_a_case() -> None:
    """Those about generated files have stories instead: see test_sessions.py."""
    assert {case.code for case in cases()} == {
        rule.code for rule in rules().values() if rule.kind == "module"
    }
