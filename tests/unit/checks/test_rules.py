"""Every rule's own examples through the pipeline: the bad earns exactly its code, the good nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from mypy import api

from pgflow_gen.checks import Rule, rules
from pgflow_gen.config import Config
from pgflow_gen.pipeline import check
from tests.support.project import REPOSITORY

MODULES = [rule for rule in rules().values() if rule.kind == "module"]
SESSIONS = {"PGF317", *(f"PGF{code}" for code in range(401, 410))}
CODES = [
    *(f"PGF{code}" for code in range(101, 105)),
    *(f"PGF{code}" for code in (*range(201, 217), *range(220, 239))),
    *(f"PGF{code}" for code in (*range(301, 313), 316, 317, 318)),
    *(f"PGF{code}" for code in range(401, 410)),
    "PGF501",
]


def found(folder: Path, text: str, *, verify: bool = False) -> list[tuple[str, str]]:
    """Code and severity of all findings in a project of this one module."""
    (folder / "flows").mkdir()
    (folder / "flows" / "example.py").write_text(text, encoding="utf-8")
    report = check(Config(folder.resolve()), verify=verify)
    return [(item.code, item.severity) for item in report.diagnostics]


def test_there_is_a_rule_for_every_code_of_the_specification() -> None:
    assert list(rules()) == CODES
    assert {rule.code for rule in rules().values() if rule.kind == "session"} == SESSIONS


@pytest.mark.parametrize("rule", MODULES, ids=lambda rule: rule.code)
def test_the_bad_example_earns_exactly_its_code(rule: Rule, tmp_path: Path) -> None:
    assert found(tmp_path, rule.bad, verify=rule.needs_mypy) == [(rule.code, rule.severity)]


@pytest.mark.parametrize("rule", MODULES, ids=lambda rule: rule.code)
def test_the_good_example_earns_nothing(rule: Rule, tmp_path: Path) -> None:
    assert found(tmp_path, rule.good, verify=rule.needs_mypy) == []


def test_mypy_accepts_every_good_example(tmp_path: Path) -> None:
    files = []
    for rule in MODULES:
        file = tmp_path / f"{rule.code.lower()}.py"
        file.write_text(rule.good, encoding="utf-8")
        files.append(str(file))
    config = tmp_path / "mypy.ini"
    paths = ":".join(str(REPOSITORY / name) for name in ("runtime", "sql"))
    config.write_text(f"[mypy]\nstrict = true\nmypy_path = {paths}\n")
    output, errors, code = api.run(
        ["--config-file", str(config), "--cache-dir", str(tmp_path / "cache"), *files]
    )
    assert code == 0, output + errors


@pytest.mark.parametrize("rule", rules().values(), ids=lambda rule: rule.code)
def test_a_rule_is_worded_for_a_page(rule: Rule) -> None:
    assert not rule.title.endswith(".")
    assert rule.text.endswith((".", ")"))
    lines = (rule.text + "\n" + rule.bad + "\n" + rule.good).splitlines()
    assert max(map(len, lines)) <= 110
