"""What a loop's annotation says: what it keeps, and what it ends with."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.analysis import Read, read_flow

HEAD = """
import pgflow_runtime as rt
from typing import Annotated, Optional, TypedDict, Union
from pgflow_runtime import Again, Again as More, Flow

class Plan(TypedDict):
    left: int

Number = int
flow = Flow[str]("flow")

"""


def read(root: Path, annotation: str, params: str = "") -> Read:
    return read_flow(root, f"{HEAD}@flow.loop(max_rounds=3)\nasync def poll({params}) -> {annotation}: ...\n")


@pytest.mark.parametrize(
    ("annotation", "state", "result"),
    [
        ("Again[None] | int", "None", "int"),
        ("int | Again[Plan]", "Plan", "int"),
        ("Again[list[Plan]] | int | None", "list[Plan]", "int | None"),
        ("Union[Again[Number], str]", "int", "str"),
        ("Union[Again[int], Optional[str]]", "int", "str | None"),
        ("'Again[Plan] | int'", "Plan", "int"),
        ("'Again[Plan]' | int", "Plan", "int"),
        ("Annotated[Again[int] | str, 'x']", "int", "str"),
        ("rt.Again[int] | More[int] | str", "", ""),
        ("More[rt.JsonValue] | list[int]", "JsonValue", "list[int]"),
    ],
)
def test_the_parts_of_the_annotation(tmp_path: Path, annotation: str, state: str, result: str) -> None:
    found = read(tmp_path, annotation)
    step = found.step("poll")
    if not state:
        assert found.one("PGF223").message.endswith("returns Again[...] in 2 ways")
        return
    found.clean()
    assert (str(step.state), str(step.returns), step.kind) == (state, result, "loop")


@pytest.mark.parametrize("annotation", ["int", "Again[int]", "Again | int", "Again[int, str] | int", "None"])
def test_both_parts_must_be_there(tmp_path: Path, annotation: str) -> None:
    found = read(tmp_path, annotation)
    assert found.at(found.one("PGF223")) == (12, annotation)


def test_faults_of_the_types_are_told_at_the_annotation(tmp_path: Path) -> None:
    found = read(tmp_path, "Again[complex] | bytearray")
    assert [(item.code, found.text(item.span)) for item in found.findings] == [
        ("PGF302", "Again[complex] | bytearray"),
        ("PGF302", "Again[complex] | bytearray"),
    ]


def test_a_state_is_received_where_one_is_kept(tmp_path: Path) -> None:
    kept = read(tmp_path, "Again[int] | str", "state: int | None = None").clean()
    assert [param.receives.value for param in kept.step("poll").params] == ["state"]


def test_without_one_the_name_is_a_steps(tmp_path: Path) -> None:
    none = read(tmp_path, "Again[None] | str", "state: str")
    assert [param.receives.value for param in none.step("poll").params] == ["dependency"]


def test_again_is_no_type_elsewhere(tmp_path: Path) -> None:
    found = read_flow(tmp_path, f"{HEAD}@flow.step\ndef poll(flow_input: str) -> Again[int] | str: ...\n")
    assert "@flow.loop" in (found.one("PGF302").help or "")
