"""What a build takes over from earlier ones: as much as holds, and never anything else."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from benchmarks.flow_modules import write_project
from pgflow_gen.config import Config, load_config
from pgflow_gen.diagnostics import Findings
from pgflow_gen.incremental import worker_process
from pgflow_gen.incremental.analysis import analyze
from pgflow_gen.incremental.cache import MODULES, Cache
from pgflow_gen.incremental.lazy_flow import LazyFlow, types_of
from pgflow_gen.incremental.modules import ModuleReader
from pgflow_gen.pipeline import build
from pgflow_gen.render import flow_files
from pgflow_gen.render.python import modules as python
from pgflow_gen.render.python.views import FlowView

ROOT = Path(__file__).parents[3]
GOLDEN = sorted(path.parent for path in (ROOT / "tests" / "golden").glob("*/flows"))


def read_modules(root: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The modules that a build reads by their syntax trees."""
    found: list[str] = []
    real = ModuleReader.module

    def module(self: ModuleReader, file: Path) -> object:
        found.append(file.name)
        return real(self, file)

    with monkeypatch.context() as patch:
        patch.setattr(ModuleReader, "module", module)
        assert not build(load_config(root), verify=False).has_errors
    return found


def files(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_only_what_changed_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "project"
    modules = write_project(root, 4)
    assert len(read_modules(root, monkeypatch)) == 4
    modules[2].write_text(modules[2].read_text().replace("depth:", "turns: int\n    depth:"))
    assert read_modules(root, monkeypatch) == [modules[2].name]
    assert b"turns: int" in (root / "generated" / "crawl_2.py").read_bytes()
    shared = root / "flows" / "shared.py"
    shared.write_text(shared.read_text().replace("text: str", "text: str\n    size: int"))
    assert len(read_modules(root, monkeypatch)) == 4


def test_only_what_changed_is_rendered_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "project"
    modules = write_project(root, 4)
    build(load_config(root), verify=False)
    found: list[str] = []

    def flow_module(view: FlowView) -> str:
        found.append(view.stem)
        return python.flow_module(view)

    monkeypatch.setattr(flow_files, "flow_module", flow_module)
    modules[2].write_text(modules[2].read_text().replace("depth:", "turns: int\n    depth:"))
    assert not build(load_config(root), verify=False).has_errors
    assert found == ["crawl_2"]
    (root / "generated" / "crawl_1.py").unlink()
    written = build(load_config(root), verify=False).plan
    assert found == ["crawl_2", "crawl_1"]
    assert written is not None
    assert [change.path for change in written.pending] == ["generated/crawl_1.py"]


def test_a_module_that_comes_between_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "project"
    modules = write_project(root, 2)
    read_modules(root, monkeypatch)
    package = root / "flows" / "shared"
    package.mkdir()
    text = (root / "flows" / "shared.py").read_text()
    (package / "__init__.py").write_text(text.replace("text: str", "words: str"))
    assert read_modules(root, monkeypatch) == [module.name for module in modules]
    assert b"words: str" in (root / "generated" / "crawl_1.py").read_bytes()


@pytest.mark.parametrize("folder", GOLDEN, ids=lambda folder: folder.name)
def test_flows_and_types_come_back_as_they_were(folder: Path) -> None:
    config = load_config(folder)
    analyzed = analyze(config, Findings())
    results = Cache.decode(Cache(analyzed.results).encode("key"), "key").results
    assert list(results.groups) == list(analyzed.results.groups)
    assert results.modules == analyzed.results.modules
    for members, group in analyzed.results.groups.items():
        kept = results.groups[members]
        assert kept.flows == group.flows
        # Places take no part in equality.
        assert [repr(flow.loaded()) for flow in kept.flows if isinstance(flow, LazyFlow)] == [
            repr(flow) for flow in group.flows
        ]
        assert [flow.step_count for flow in kept.flows] == [len(flow.steps) for flow in group.flows]
        assert repr(types_of(kept)) == repr(types_of(group))
        assert (kept.findings, kept.dependencies) == (group.findings, group.dependencies)


def test_another_key_or_a_changed_byte_is_no_cache(tmp_path: Path) -> None:
    write_project(tmp_path / "project", 1)
    config = load_config(tmp_path / "project")
    content = Cache(analyze(config, Findings()).results).encode("key")
    assert Cache.decode(content, "key").results.groups
    for spoilt in (content[:-1], content + b"x", content.replace(b"crawl_0", b"crawl_1"), b"", b"\x00"):
        assert Cache.decode(spoilt, "key") == Cache()
    assert Cache.decode(content, "another") == Cache()


def test_no_cache_neither_reads_nor_writes_one(tmp_path: Path) -> None:
    write_project(tmp_path / "project", 1)
    build(load_config(tmp_path / "project"), verify=False, cached=False)
    assert not (tmp_path / "project" / MODULES).exists()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux is forked")
@pytest.mark.parametrize("processors", [1, 2, 0], ids=["alone", "helped", "helped badly"])
def test_the_outcome_with_and_without_a_second_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, processors: int
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError

    count = worker_process.MANY + 5
    write_project(tmp_path / "one", count)
    write_project(tmp_path / "other", count)
    with monkeypatch.context() as patch:
        patch.setattr(worker_process, "_processors", lambda: 1)
        assert build(Config(tmp_path / "one"), verify=False).diagnostics == ()
    monkeypatch.setattr(worker_process, "_processors", lambda: processors or 2)
    if not processors:
        monkeypatch.setattr(worker_process, "_serve", fail)
    here = read_modules(tmp_path / "other", monkeypatch)
    assert len(here) == (count // 2 + worker_process._HEAD_START if processors == 2 else count)
    assert files(tmp_path / "one" / "generated") == files(tmp_path / "other" / "generated")
