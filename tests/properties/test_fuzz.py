"""Whatever a project holds, the compiler ends with diagnostics or valid output, inside its own folders."""

from __future__ import annotations

import ast
import json
import os
import re
import warnings
from collections.abc import Callable
from pathlib import Path
from shutil import rmtree

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from pglast import parse_sql

from pgflow_gen.config import Config, ConfigError
from pgflow_gen.pipeline import BuildReport, build
from pgflow_gen.render import compile_sql, render_graph
from pgflow_gen.report import render_report
from pgflow_shared.styles import NAMES
from tests.support.hostile import damaged_files, examples, hostile_flows

OWN = ("generated", ".pgflow")
FLOW = """\
from pgflow_runtime import Flow
flow = Flow[str]("flow")
@flow.step
def one(flow_input: str) -> str: ...
"""
BASES = "\n".join(f"class C{at}(C{at - 1}): ..." for at in range(1, 2_000))


def compile_project(root: Path, style: str = "plain") -> BuildReport | None:
    """Build what is below ``root`` and judge the outcome; None when the configuration was refused."""
    before = _tree(root)
    try:
        report = build(Config(root, style=style), verify=False)
    except ConfigError:
        assert _tree(root) == before
        return None
    after = _tree(root)
    outside = {path for path in before | after if path.split("/")[0] not in OWN}
    assert all(before.get(path) == after.get(path) for path in outside), "written outside the folders"
    for name in ("text", "json", "github", "sarif"):
        shown = render_report(name, report.diagnostics, report.sources)
        if name in ("json", "sarif"):
            json.loads(shown)
    if report.has_errors:
        assert after == before, "something was written although there are errors"
        return report
    for path in sorted((root / "generated").rglob("*")):
        if path.is_file():
            check_file(path)
    for flow in report.analysis.flows:
        parse_sql(compile_sql(flow, report.analysis.types))
        assert render_graph(flow, report.analysis.types).startswith("flowchart")
    return report


def check_file(path: Path) -> None:
    """A generated file is what its name says."""
    text = path.read_bytes().decode("utf-8")
    match path.suffix:
        case ".py":
            with warnings.catch_warnings():
                warnings.simplefilter("error")  # an invalid escape is one
                compile(ast.parse(text), str(path), "exec")
        case ".sql":
            statements = parse_sql(text)
            kinds = {type(item.stmt).__name__ for item in statements}
            assert kinds <= {"TransactionStmt", "SelectStmt"}, kinds
        case ".json":
            json.loads(text)
        case ".md":
            assert sum(line.startswith("```") for line in text.splitlines()) % 2 == 0
            # Inside of a code span it is text; spans open and close with the same number of backticks.
            assert "<script" not in re.sub(r"(?<!`)(`+)(?!`).+?(?<!`)\1(?!`)", "", text)
        case _:
            assert path.name in {"py.typed", ".gitattributes", ".gitignore"}, path


def _tree(root: Path) -> dict[str, str]:
    """Every file and link below ``root`` with its content; our own caches are not looked at."""
    found: dict[str, str] = {}
    for folder, folders, files in os.walk(root):
        folders[:] = [name for name in folders if name not in {".pgflow", "__pycache__"}]
        for name in (*folders, *files):
            path = Path(folder, name)
            place = path.relative_to(root).as_posix()
            if path.is_symlink():
                found[place] = f"-> {os.readlink(path)}"
            elif path.is_file():
                found[place] = path.read_bytes().decode("latin-1")
    return found


def run(strategy: st.SearchStrategy[object], count: int, first: int, judge: Callable[[object], None]) -> None:
    """``judge`` on ``count`` examples; a failing one is made smaller before it is shown."""

    @seed(first)
    @settings(max_examples=count, deadline=None, database=None, phases=[Phase.generate, Phase.shrink],
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(strategy)
    def fuzz(example: object) -> None:
        judge(example)

    fuzz()


def test_damaged_flows(tmp_path: Path, fuzz_examples: int, property_seed: int) -> None:
    root = tmp_path.resolve() / "project"

    def judge(data: object) -> None:
        assert isinstance(data, bytes)
        rmtree(root, ignore_errors=True)
        (root / "flows").mkdir(parents=True)
        (root / "flows/crawl.py").write_bytes(data)
        (root / "flows/sound.py").write_text(FLOW)
        report = compile_project(root)
        assert report is not None
        assert "flow" in {flow.slug for flow in report.analysis.flows}, "a sound module was not read"

    run(damaged_files(), fuzz_examples, property_seed, judge)


def test_hostile_words(tmp_path: Path, fuzz_examples: int, property_seed: int) -> None:
    root = tmp_path.resolve() / "project"
    built = 0

    def judge(example: object) -> None:
        nonlocal built
        assert isinstance(example, tuple)
        text, style = example
        rmtree(root, ignore_errors=True)
        (root / "flows").mkdir(parents=True)
        (root / "flows/crawl.py").write_text(text, encoding="utf-8")
        report = compile_project(root, style)
        built += report is not None and not report.has_errors

    run(st.tuples(hostile_flows(), st.sampled_from(NAMES)), fuzz_examples, property_seed, judge)
    assert built > 0, "no example got as far as output"


NESTED = {
    "brackets": "X = " + "[" * 20_000 + "]" * 20_000,
    "open brackets": "X = " + "(" * 20_000,
    "types": "def f(x: " + "list[" * 3_000 + "int" + "]" * 3_000 + "): ...",
    "union": "X = " + " | ".join(["int"] * 20_000),
    "sum": "X = " + "+".join(["1"] * 20_000),
    "attributes": "X = a" + ".b" * 20_000,
    "calls": "X = a" + "()" * 20_000,
    "not": "X = " + "not " * 20_000 + "1",
    "minus": "flow2 = Flow[str]('two', timeout=" + "-" * 20_000 + "1)",
    "quotes": "X: TypeAlias = " + "'" * 20_001,
    "blocks": "".join(" " * depth + "if x:\n" for depth in range(200)) + " " * 200 + "pass",
    "long line": "X = '" + "a" * 3_000_000 + "'",
    "many lines": "x = 1\n" * 30_000,
    "many names": "\n".join(f"X{number} = 'x{number}'" for number in range(20_000)),
    "chain of names": "X0 = int\n" + "\n".join(f"X{at} = X{at - 1}" for at in range(1, 3_000)),
    "chain of bases": f"class C0(TypedDict): ...\n{BASES}",
}  # fmt: skip


@pytest.mark.parametrize("text", NESTED.values(), ids=NESTED.keys())
def test_huge_and_deep_files(tmp_path: Path, text: str) -> None:
    (tmp_path / "flows").mkdir()
    last = text.rpartition("\n")[2].split(" ")[0].partition("(")[0]
    used = f"\n@flow.step\ndef two(flow_input: str) -> {last if last.startswith('X') else 'int'}: ...\n"
    (tmp_path / "flows/crawl.py").write_text(f"from typing import *\n{FLOW}{text}{used}")
    compile_project(tmp_path.resolve())


def test_links_that_lead_in_circles(tmp_path: Path) -> None:
    root = tmp_path.resolve() / "project"
    (root / "flows/deep").mkdir(parents=True)
    (root / "flows/crawl.py").write_text(FLOW)
    (root / "flows/deep/up").symlink_to(root / "flows")
    (root / "flows/itself.py").symlink_to(root / "flows/itself.py")
    (root / "flows/nowhere.py").symlink_to(root / "flows/missing.py")
    (root / "flows/folder.py").mkdir()
    report = compile_project(root)
    assert report is not None
    assert [flow.slug for flow in report.analysis.flows] == ["flow"]


@pytest.mark.parametrize("place", ["generated", "generated/flow.py", "generated/migrations"])
def test_nothing_is_written_through_a_link(tmp_path: Path, place: str) -> None:
    root, elsewhere = tmp_path.resolve() / "project", tmp_path.resolve() / "elsewhere"
    (root / "flows").mkdir(parents=True)
    (root / "flows/crawl.py").write_text(FLOW)
    elsewhere.mkdir()
    (elsewhere / "kept").write_text("kept")
    (root / place).parent.mkdir(exist_ok=True)
    (root / place).symlink_to(elsewhere / "kept" if place.endswith(".py") else elsewhere)
    assert compile_project(root) is None
    assert _tree(elsewhere) == {"kept": "kept"}


def test_the_examples_themselves_are_valid(tmp_path: Path) -> None:
    (tmp_path / "flows").mkdir()
    for name, text in examples().items():
        (tmp_path / f"flows/{name}").write_text(text, encoding="utf-8")
    report = compile_project(tmp_path.resolve())
    assert report is not None
    assert not report.has_errors
