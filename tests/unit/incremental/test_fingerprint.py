"""Where nothing changed since a clean build nothing is read; where anything changed, everything is."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from pgflow_gen import write
from pgflow_gen.config import load_config
from pgflow_gen.incremental.fingerprint import RECORD
from pgflow_gen.pipeline import BuildReport, Mode, build
from pgflow_gen.write import Plan, apply

FLOW = """\
from typing import Any
from flows.parts import Item
from pgflow_runtime import Flow

greet = Flow[Item]("greet")

@greet.step
def hello(flow_input: Item) -> list[Any]:
    return [flow_input]
"""
PARTS = "from typing import TypedDict\n\nclass Item(TypedDict):\n    name: str\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "flows").mkdir()
    (tmp_path / "pyproject.toml").write_text("[tool.pgflow-gen]\n")
    (tmp_path / "flows" / "greet.py").write_text(FLOW)
    (tmp_path / "flows" / "parts.py").write_text(PARTS)
    return tmp_path


def run(root: Path, mode: Mode = "check") -> BuildReport:
    return build(load_config(root), verify=False, mode=mode)


def test_a_second_build_tells_the_same_without_reading(root: Path) -> None:
    first = run(root, "write")
    assert first.unchanged is None
    for mode in ("write", "check", "diff"):
        again = run(root, mode)
        assert again.unchanged is not None
        assert again.diagnostics == first.diagnostics
        assert [item.severity for item in again.diagnostics] == ["warning"]
        assert again.sources["flows/greet.py"] == FLOW
        assert (again.file_count, again.flow_count, again.step_count) == (2, 1, 1)
        assert again.unchanged.kept_count == len(first.plan.changes) if first.plan else False


def _remove_generated(root: Path) -> None:
    (root / "generated" / "client.py").unlink()


CHANGES: dict[str, Callable[[Path], object]] = {
    "a flow": lambda root: (root / "flows" / "greet.py").write_text(FLOW.replace("hello", "hullo")),
    "a type": lambda root: (root / "flows" / "parts.py").write_text(PARTS + "    size: int\n"),
    "a generated file": lambda root: (root / "generated" / "client.py").write_text("# mine\n"),
    "a generated file that is gone": _remove_generated,
    "a foreign file among the migrations": lambda root: (
        root / "generated" / "migrations" / "0009_other.sql"
    ).write_text(""),
    "the configuration": lambda root: (root / "pyproject.toml").write_text(
        '[tool.pgflow-gen]\nsrc = ["."]\n'
    ),
    "a module that hides another": lambda root: (root / "typing").mkdir(),
    "mypy's configuration": lambda root: (root / "mypy.ini").write_text("[mypy]\n"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_any_change_makes_a_whole_build(root: Path, change: Callable[[Path], object]) -> None:
    run(root, "write")
    change(root)
    assert run(root).unchanged is None


@pytest.mark.parametrize("path", ["flows/parts.py", "flows/more.py", "generated/__init__.py"])
def test_what_changes_while_a_build_writes_is_seen_by_the_next(
    root: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    run(root, "write")
    (root / "flows" / "greet.py").write_text(FLOW.replace("hello", "hullo"))

    def meanwhile(plan: Plan) -> None:
        apply(plan)
        (root / path).write_text(PARTS + "    size: int\n")

    with monkeypatch.context() as patch:
        patch.setattr(write, "apply", meanwhile)
        assert run(root, "write").unchanged is None
    assert run(root).unchanged is None


def test_a_stale_project_stays_stale(root: Path) -> None:
    run(root, "write")
    (root / "flows" / "parts.py").write_text(PARTS + "    size: int\n")
    for _ in range(2):
        report = run(root)
        assert report.unchanged is None
        assert "PGF403" in {item.code for item in report.diagnostics}


def test_a_build_without_mypy_is_no_proof_for_one_with_it(root: Path) -> None:
    run(root, "write")
    assert run(root).unchanged is not None
    assert build(load_config(root), verify=True, mode="check").unchanged is None
    assert build(load_config(root), verify=True, mode="check").unchanged is not None
    assert run(root).unchanged is not None


def test_nothing_is_remembered_of_what_has_errors(root: Path) -> None:
    (root / "flows" / "broken.py").write_text("from pgflow_runtime import Flow\n(\n")
    assert run(root, "write").has_errors
    assert run(root).unchanged is None


def test_folders_behind_links_count_as_well(root: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere, other = tmp_path_factory.mktemp("elsewhere"), tmp_path_factory.mktemp("other")
    (elsewhere / "more.py").write_text(FLOW.replace("greet", "more").replace("hello", "bye"))
    link = root / "flows" / "linked"
    link.symlink_to(elsewhere)
    (root / "flows" / "circle").symlink_to(root)
    assert run(root, "write").flow_count == 2
    assert run(root).unchanged is not None
    (elsewhere / "more.py").write_text(FLOW.replace("greet", "more"))
    assert run(root).unchanged is None
    run(root, "write")
    assert run(root).unchanged is not None
    link.unlink()
    link.symlink_to(other)
    assert run(root).unchanged is None


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", '{"key": 1}', "[" * 100_000, '{"files": {}, "key": "", "outcome": {}}', "\0"],
)
def test_a_damaged_record_costs_time_only(root: Path, text: str) -> None:
    run(root, "write")
    (root / RECORD).write_text(text)
    assert run(root).unchanged is None
    assert run(root).unchanged is not None


def test_a_record_of_another_checkout_does_not_fit(
    root: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Whoever commits a record cannot make a stale project look clean elsewhere."""
    run(root, "write")
    other = tmp_path_factory.mktemp("clone")
    for file in [item for item in root.rglob("*") if item.is_file()]:
        place = other / file.relative_to(root)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(file.read_bytes())
    moved = (root / RECORD).read_text().replace(str(root), str(other))
    assert json.loads(moved)
    (other / RECORD).write_text(moved)
    assert run(other).unchanged is None


def test_an_outcome_with_nonsense_in_it_is_not_believed(root: Path) -> None:
    run(root, "write")
    record = json.loads((root / RECORD).read_text())
    record["outcome"]["warnings"] = [{"code": "PGF302"}]
    (root / RECORD).write_text(json.dumps(record))
    assert run(root).unchanged is None


def test_a_file_name_that_is_no_utf_8_is_a_finding(root: Path) -> None:
    with open(os.fsencode(root / "flows") + b"/b\xff.py", "w", encoding="utf-8") as file:
        file.write(FLOW)
    for _ in range(2):
        assert "PGF102" in {item.code for item in run(root, "write").diagnostics}
