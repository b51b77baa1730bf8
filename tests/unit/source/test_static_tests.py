"""Questions about Python's version and the system are answered as mypy answers them."""

from __future__ import annotations

import sys
from pathlib import Path

import libcst as cst
import pytest

from pgflow_gen.source.names.static_tests import always
from pgflow_gen.source.target import stated_version, target_version
from tests.support.analysis import read_project


@pytest.mark.parametrize(
    ("test", "answer"),
    [
        ("sys.version_info >= (3, 12)", True),
        ("sys.version_info >= (3, 13)", False),
        ("sys.version_info > (3, 12)", False),
        ("sys.version_info <= (3, 12)", True),
        ("sys.version_info < (3,)", False),
        ("sys.version_info >= (3,)", True),
        ("sys.version_info == (3, 12)", True),
        ("sys.version_info >= (3, 12, 1)", None),
        ("sys.version_info[0] == 3", True),
        ("sys.version_info[1] < 12", False),
        ("sys.version_info[:2] >= (3, 12)", True),
        ("not sys.version_info >= (3, 12)", False),
        ("sys.version_info >= (3, 12) and DEBUG", None),
        ("sys.version_info >= (3, 13) and DEBUG", False),
        ("DEBUG or sys.version_info >= (3, 12)", True),
        ("sys.platform == 'no such system'", False),
        ("sys.platform.startswith('no such')", False),
        (f"sys.platform == {sys.platform!r}", True),
        ("platform.system() == 'Linux'", None),
        ("version_info >= (3, 12)", None),
        ("TYPE_CHECKING", None),
    ],
)
def test_answers(test: str, answer: bool | None) -> None:
    assert always(cst.parse_expression(test), (3, 12)) is answer


@pytest.mark.parametrize(
    ("files", "version"),
    [
        ({}, None),
        ({"pyproject.toml": "[project]\nrequires-python = '>=3.12'\n"}, (3, 12)),
        ({"pyproject.toml": "[project]\nrequires-python = '~=3.13.1'\n"}, (3, 13)),
        ({"pyproject.toml": "[project]\nrequires-python = '>=3.8,<4'\n"}, (3, 11)),
        (
            {"pyproject.toml": "[project]\nrequires-python = '>=3.12'\n[tool.mypy]\npython_version='3.13'\n"},
            (3, 13),
        ),
        ({"mypy.ini": "[mypy]\npython_version = 3.14\n"}, (3, 14)),
        ({"mypy.ini": "[mypy]\npython_version = 3.8\n"}, None),
        ({"pyproject.toml": "broken"}, None),
    ],
)
def test_the_projects_python(tmp_path: Path, files: dict[str, str], version: tuple[int, int] | None) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    assert stated_version(tmp_path) == version
    assert target_version(tmp_path) == version or sys.version_info[:2]


@pytest.mark.parametrize(("version", "key"), [("3.12", "older"), ("3.13", "newer")])
def test_a_type_is_read_for_the_projects_python(tmp_path: Path, version: str, key: str) -> None:
    read = read_project(
        tmp_path,
        {
            "mypy.ini": f"[mypy]\npython_version = {version}\n",
            "flows/crawl.py": """
            import sys
            from typing import TypedDict
            from pgflow_runtime import Flow
            if sys.version_info >= (3, 13):
                class Page(TypedDict):
                    newer: int
                LIMIT = 13
            else:
                from .old import Page
                LIMIT = 12
            flow = Flow[Page]("flow")
            @flow.step(max_attempts=LIMIT)
            def one(flow_input: Page) -> int: ...
            """,
            "flows/old.py": "from typing import TypedDict\nclass Page(TypedDict):\n    older: int\n",
        },
    ).clean()
    (record,) = read.analyzed.analysis.types.records.values()
    assert [field.key for field in record.fields] == [key]
    assert [option.value for option in read.step("one").options] == [int(version[2:])]
