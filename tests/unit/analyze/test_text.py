"""Text that PostgreSQL cannot hold is refused where it is written, not when a migration is applied."""

from __future__ import annotations

from pathlib import Path

import pytest

from pgflow_gen.checks import run_checks
from pgflow_gen.diagnostics import Findings
from tests.support.analysis import read_flow, read_type


@pytest.mark.parametrize("text", [r"\x00", r"a\ud800b", r"\N{NULL}"])
def test_literals_and_keys(tmp_path: Path, text: str) -> None:
    read, _ = read_type(tmp_path, f"Literal['fine', '{text}']")
    message = f"parameter 'one': Literal['{text}'] is text that PostgreSQL cannot hold"
    assert read.one("PGF302").message == message
    read, _ = read_type(tmp_path, "R", f"R = TypedDict('R', {{'fine': int, '{text}': int}})")
    assert "is text that PostgreSQL cannot hold" in read.one("PGF302").message


def test_text_of_every_other_kind_passes(tmp_path: Path) -> None:
    read_type(tmp_path, r"Literal['\x01\n\u2028', '\U0001f980']")[0].clean()


@pytest.mark.parametrize("pattern", [r"{'a': '\x00'}", r"{'\ud800': 1}", r"{'a': [{'b': '\x00'}]}"])
def test_condition_patterns(tmp_path: Path, pattern: str) -> None:
    read = read_flow(
        tmp_path,
        f"""
        from pgflow_runtime import Flow, JsonValue
        flow = Flow[JsonValue]("flow")
        @flow.step(if_={pattern})
        def one(flow_input: JsonValue) -> None: ...
        """,
    ).clean()
    findings = Findings()
    run_checks(read.analyzed.analysis, findings)
    (found,) = findings
    assert found.code == "PGF310"
    assert "PostgreSQL cannot hold" in found.message


def test_docstrings_stay_readable(tmp_path: Path) -> None:
    text = r"""'a\ud800b'
from typing import TypedDict
from pgflow_runtime import Flow
class R(TypedDict):
    '\ud83e\udd80 \udd80'
flow = Flow[R]("flow")
@flow.step
def one(flow_input: R) -> None:
    '\ud800'
"""
    read = read_flow(tmp_path, text).clean()
    assert (read.flow.doc, read.step("one").doc) == ("a\ufffdb", "\ufffd")
    assert read.record("R").doc == "\U0001f980 \ufffd"
