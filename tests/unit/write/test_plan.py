"""Planning and writing: only what differs, only what is ours, all of it or nothing."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from pgflow_gen.config import Config
from pgflow_gen.diagnostics import Findings
from pgflow_gen.ir.flow import Analysis, FlowSpec, Json
from pgflow_gen.render import render
from pgflow_gen.write import Plan, WriteError, apply, diff, edited_findings, make_plan, stale_findings
from tests.support.ir import STR, Types, flow, param, step


def crawl(slug: str = "crawl", *, steps: tuple[str, ...] = ("fetch",), **options: Json) -> FlowSpec:
    return flow(*(step(name, param("flow_input", STR)) for name in steps), slug=slug, options=options)


def plan_of(root: Path, *flows: FlowSpec, **settings: str) -> Plan:
    config = Config(root, **settings)  # type: ignore[arg-type]
    return make_plan(render(Analysis(flows, Types().table), config), config)


def build(root: Path, *flows: FlowSpec, **settings: str) -> Plan:
    plan = plan_of(root, *flows, **settings)
    apply(plan)
    return plan


def kinds(plan: Plan) -> dict[str, str]:
    return {change.path: change.kind for change in plan.pending}


def codes(plan: Plan) -> list[tuple[str, str]]:
    findings = Findings()
    stale_findings(plan, findings)
    return [(item.code, item.span.path) for item in findings]


def manifest(root: Path) -> dict[str, Any]:
    return dict(json.loads((root / "generated/manifest.json").read_text()))


def snapshot(root: Path) -> dict[str, tuple[bytes, int]]:
    files = (path for path in sorted(root.rglob("*")) if path.is_file())
    return {str(path.relative_to(root)): (path.read_bytes(), path.stat().st_mtime_ns) for path in files}


def test_the_first_build_creates_everything_and_the_second_touches_nothing(tmp_path: Path) -> None:
    first = build(tmp_path, crawl())
    assert set(kinds(first)) == {
        f"generated/{name}"
        for name in (
            "__init__.py",
            "_typecheck.py",
            "client.py",
            "crawl.py",
            "docs/crawl.md",
            "manifest.json",
            "migrations/0001_crawl.sql",
            "py.typed",
            "schemas/crawl.json",
        )
    }
    assert set(kinds(first).values()) == {"create"}
    before = snapshot(tmp_path)
    second = build(tmp_path, crawl())
    assert second.is_clean
    assert codes(second) == []
    assert diff(second) == ""
    assert snapshot(tmp_path) == before


def test_planning_writes_nothing(tmp_path: Path) -> None:
    assert not plan_of(tmp_path, crawl()).is_clean
    assert list(tmp_path.iterdir()) == []


def test_only_what_differs_is_written(tmp_path: Path) -> None:
    build(tmp_path, crawl())
    changed = build(tmp_path, crawl(timeout=30))
    assert kinds(changed) == {
        "generated/docs/crawl.md": "change",
        "generated/manifest.json": "change",
        "generated/migrations/0001_crawl.sql": "change",
        "generated/schemas/crawl.json": "change",
    }
    assert "timeout => 30" in (tmp_path / "generated/migrations/0001_crawl.sql").read_text()


def test_a_file_no_flow_asks_for_is_deleted_but_its_migration_stays(tmp_path: Path) -> None:
    build(tmp_path, crawl(), crawl("sift"))
    gone = build(tmp_path, crawl())
    deleted = {path for path, kind in kinds(gone).items() if kind == "delete"}
    assert deleted == {f"generated/{name}" for name in ("sift.py", "docs/sift.md", "schemas/sift.json")}
    assert not (tmp_path / "generated/sift.py").exists()
    assert (tmp_path / "generated/migrations/0002_sift.sql").exists()
    assert "generated/migrations/0002_sift.sql" in manifest(tmp_path)["files"]
    assert plan_of(tmp_path, crawl()).is_clean


def test_folders_that_become_empty_go_as_well(tmp_path: Path) -> None:
    build(tmp_path, crawl())
    build(tmp_path)
    assert not (tmp_path / "generated/docs").exists()
    assert (tmp_path / "generated/migrations/0001_crawl.sql").exists()


def test_a_left_over_file_with_an_edit_stays_and_is_told(tmp_path: Path) -> None:
    build(tmp_path, crawl(), crawl("sift"))
    edited = tmp_path / "generated/sift.py"
    edited.write_text(edited.read_text() + "# mine\n")
    plan = plan_of(tmp_path, crawl())
    assert ("PGF404", "generated/sift.py") in codes(plan)
    apply(plan)
    assert edited.read_text().endswith("# mine\n")


def test_stale_missing_and_left_over_files_are_403_and_edited_ones_404(tmp_path: Path) -> None:
    build(tmp_path, crawl(), crawl("sift"))
    (tmp_path / "generated/py.typed").unlink()
    edited = tmp_path / "generated/client.py"
    edited.write_text(edited.read_text() + "# mine\n")
    plan = plan_of(tmp_path, crawl(timeout=9))
    told = codes(plan)
    assert ("PGF404", "generated/client.py") in told
    assert {path for code, path in told if code == "PGF403"} == {
        f"generated/{name}"
        for name in (
            "_typecheck.py",
            "docs/crawl.md",
            "docs/sift.md",
            "manifest.json",
            "migrations/0001_crawl.sql",
            "py.typed",
            "schemas/crawl.json",
            "schemas/sift.json",
            "sift.py",
        )
    }
    only_edits = Findings()
    edited_findings(plan, only_edits)
    assert [item.span.path for item in only_edits] == ["generated/client.py"]
    apply(plan)
    assert codes(plan_of(tmp_path, crawl(timeout=9))) == []


def test_line_ends_of_a_checkout_are_no_change(tmp_path: Path) -> None:
    build(tmp_path, crawl())
    for path in (tmp_path / "generated").rglob("*"):
        if path.is_file():
            path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert plan_of(tmp_path, crawl()).is_clean
    assert not any(change.is_edited for change in plan_of(tmp_path, crawl(timeout=5)).changes)


def test_a_new_version_of_the_tool_alone_changes_nothing(tmp_path: Path) -> None:
    build(tmp_path, crawl())
    path = tmp_path / "generated/manifest.json"
    path.write_text(path.read_text().replace('"tool_version": "', '"tool_version": "0.0.0+other.'))
    assert plan_of(tmp_path, crawl()).is_clean


def test_a_file_that_is_not_ours_is_not_overwritten(tmp_path: Path) -> None:
    mine = tmp_path / "generated/client.py"
    mine.parent.mkdir()
    mine.write_text("print('mine')\n")
    with pytest.raises(WriteError, match=r"generated/client\.py exists and was not written by pgflow-gen"):
        plan_of(tmp_path, crawl())
    assert [path.name for path in mine.parent.iterdir()] == ["client.py"]


def test_without_its_manifest_the_folder_is_recognised_and_numbers_are_kept(tmp_path: Path) -> None:
    build(tmp_path, crawl("first"), crawl("second"))
    (tmp_path / "generated/manifest.json").unlink()
    plan = plan_of(tmp_path, crawl("second"), crawl("third"))
    names = {change.path for change in plan.changes if "migrations/" in change.path}
    assert names == {"generated/migrations/0002_second.sql", "generated/migrations/0003_third.sql"}


@pytest.mark.parametrize("text", ["<<<<<<< HEAD\n{}", "[]", '{"tool": "other"}', "", "\xff"])
def test_a_broken_manifest_is_refused_with_a_way_out(tmp_path: Path, text: str) -> None:
    build(tmp_path, crawl())
    (tmp_path / "generated/manifest.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(WriteError, match=r"generated/manifest\.json cannot be read") as error:
        plan_of(tmp_path, crawl())
    assert error.value.help is not None
    assert "version control" in error.value.help


def test_a_manifest_cannot_make_us_delete_elsewhere(tmp_path: Path) -> None:
    build(tmp_path, crawl())
    mine = tmp_path / "mine.txt"
    mine.write_text("mine")
    data = manifest(tmp_path)
    digest = data["files"]["generated/py.typed"]
    for path in ("mine.txt", "generated/../mine.txt", str(mine), "generated"):
        data["files"][path] = digest
    (tmp_path / "generated/manifest.json").write_text(json.dumps(data))
    plan = build(tmp_path, crawl())
    assert "delete" not in kinds(plan).values()
    assert mine.exists()


@pytest.mark.parametrize(
    "link", ["generated", "generated/docs", "generated/crawl.py", "generated/migrations"]
)
def test_nothing_is_written_through_a_symbolic_link(tmp_path: Path, link: str) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    root = tmp_path / "project"
    (root / link).parent.mkdir(parents=True)
    (root / link).symlink_to(elsewhere if not link.endswith(".py") else elsewhere / "target.py")
    with pytest.raises(WriteError, match=f"{link} is a symbolic link"):
        build(root, crawl())
    assert list(elsewhere.iterdir()) == []


def test_a_folder_in_a_files_place_is_told(tmp_path: Path) -> None:
    (tmp_path / "generated/client.py").mkdir(parents=True)
    with pytest.raises(WriteError, match=r"generated/client\.py is a folder"):
        plan_of(tmp_path, crawl())


@pytest.mark.parametrize("out", ["/tmp/out", "../out", "a/../../out"])
def test_folders_outside_the_project_are_refused(tmp_path: Path, out: str) -> None:
    with pytest.raises(WriteError, match="leads out of the project"):
        plan_of(tmp_path, crawl(), out=out)


def test_migrations_may_live_in_a_folder_of_their_own(tmp_path: Path) -> None:
    build(tmp_path, crawl(), migrations="db/flows")
    assert (tmp_path / "db/flows/0001_crawl.sql").exists()
    assert not (tmp_path / "generated/migrations").exists()
    assert plan_of(tmp_path, crawl(), migrations="db/flows").is_clean


def test_a_failing_write_leaves_no_half_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    build(tmp_path, crawl())
    before = snapshot(tmp_path)

    def refuse(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(WriteError, match="cannot be written: No space left on device"):
        build(tmp_path, crawl(timeout=3))
    assert snapshot(tmp_path) == before


def test_written_files_have_the_rights_of_other_files(tmp_path: Path) -> None:
    build(tmp_path, crawl())
    (tmp_path / "plain").write_text("")
    path = tmp_path / "generated/client.py"
    assert path.stat().st_mode == (tmp_path / "plain").stat().st_mode
    path.chmod(0o640)
    path.write_text("# Generated by pgflow-gen\n")
    build(tmp_path, crawl())
    assert path.stat().st_mode & 0o777 == 0o640


def test_a_diff_is_one_that_patch_understands(tmp_path: Path) -> None:
    build(tmp_path, crawl(timeout=5), crawl("sift"))
    text = diff(plan_of(tmp_path, crawl(timeout=6)))
    assert "--- a/generated/migrations/0001_crawl.sql\n+++ b/generated/migrations/0001_crawl.sql\n" in text
    assert "-select pgflow.create_flow('crawl', timeout => 5);\n" in text
    assert "+select pgflow.create_flow('crawl', timeout => 6);\n" in text
    assert "--- a/generated/sift.py\n+++ /dev/null\n" in text


def test_a_diff_tells_of_empty_files_too(tmp_path: Path) -> None:
    assert "--- /dev/null\n+++ b/generated/py.typed\n" in diff(plan_of(tmp_path, crawl()))
