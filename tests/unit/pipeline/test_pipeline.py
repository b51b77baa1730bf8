"""The pipeline over several flows: what one flow's faults mean for the others, and for what is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from pgflow_gen import pipeline
from pgflow_gen.checks import rules
from pgflow_gen.config import Config

SOUND = """\
from pgflow_runtime import Flow

sound = Flow[str]("sound")


@sound.step
def start(flow_input: str) -> str:
    return flow_input
"""
USES_TYPES = """\
from flows.types_of_both import Row
from pgflow_runtime import Flow

{name} = Flow[str]("{name}")


@{name}.step
def {name}_rows(flow_input: str) -> list[{type}]:
    return []
"""


@pytest.fixture
def config(tmp_path: Path) -> Config:
    (tmp_path / "flows").mkdir()
    return Config(tmp_path.resolve())


def write(config: Config, **modules: str) -> None:
    for name, text in modules.items():
        (config.root / "flows" / f"{name}.py").write_text(text, encoding="utf-8")


def found(report: pipeline.BuildReport) -> list[tuple[str, str]]:
    return [(item.span.path, item.code) for item in report.diagnostics]


def sound(report: pipeline.BuildReport) -> list[str]:
    return [flow.slug for flow in report.sound]


def test_an_error_in_one_flow_does_not_hide_mypys_finding_in_another(config: Config) -> None:
    write(config, a=rules()["PGF303"].bad, b=rules()["PGF501"].bad.replace('"crawl"', '"other"'))
    report = pipeline.check(config)
    assert found(report) == [("flows/a.py", "PGF303"), ("flows/b.py", "PGF501")]
    assert sound(report) == []


def test_flows_are_sound_unless_a_file_they_are_made_of_has_errors(config: Config) -> None:
    write(
        config,
        types_of_both="from typing import TypedDict\n\n\nclass Row(TypedDict):\n    x: complex\n",
        one=USES_TYPES.format(name="one", type="Row"),
        two=USES_TYPES.format(name="two", type="str"),
        three=SOUND,
    )
    report = pipeline.check(config, verify=False)
    assert found(report) == [("flows/types_of_both.py", "PGF302")]
    assert sound(report) == ["sound", "two"]


def test_warnings_keep_nothing_from_being_written(config: Config) -> None:
    write(
        config,
        a=SOUND.replace("-> str", "-> Any").replace("from pgflow", "from typing import Any\n\nfrom pgflow"),
    )
    report = pipeline.build(config, verify=False)
    assert [(item.code, item.severity) for item in report.diagnostics] == [("PGF302", "warning")]
    assert not report.has_errors
    assert (config.root / "generated" / "sound.py").is_file()


def test_with_errors_there_is_no_plan_and_old_files_stay(config: Config) -> None:
    write(config, a=SOUND)
    assert pipeline.build(config, verify=False).plan is not None
    before = {path: path.read_bytes() for path in (config.root / "generated").rglob("*") if path.is_file()}
    write(config, a=SOUND.replace("flow_input: str", "flow_input: int"))
    report = pipeline.build(config, verify=False)
    assert report.plan is None
    assert found(report) == [("flows/a.py", "PGF308")]
    assert before == {
        path: path.read_bytes() for path in (config.root / "generated").rglob("*") if path.is_file()
    }


def test_mypys_finding_keeps_everything_from_being_written(config: Config) -> None:
    write(config, a=rules()["PGF501"].bad, b=SOUND)
    report = pipeline.build(config)
    assert found(report) == [("flows/a.py", "PGF501")]
    assert report.plan is None
    assert not (config.root / "generated").exists()


def test_the_last_flow_may_go_and_its_files_with_it(config: Config) -> None:
    write(config, a=SOUND, b=SOUND.replace("sound", "other"))
    pipeline.build(config, verify=False)
    (config.root / "flows" / "b.py").unlink()
    stale = pipeline.build(config, verify=False, mode="check")
    assert ("generated/other.py", "PGF403") in found(stale)
    pipeline.build(config, verify=False)
    assert not (config.root / "generated" / "other.py").exists()
    assert pipeline.build(config, verify=False, mode="check").diagnostics == ()


def test_counts_are_of_flows_and_steps(config: Config) -> None:
    write(config, a=SOUND, b=SOUND.replace("sound", "other"))
    report = pipeline.check(config, verify=False)
    assert (len(report.analysis.flows), report.step_count) == (2, 2)
