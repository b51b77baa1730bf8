"""One table of statuses: SQL, the page's drawings and its style sheet know the same."""

from __future__ import annotations

import re

import pytest

from pgflow_shared.statuses import RUN_STATUSES, STATUSES, STEP_STATUSES, TASK_STATUSES
from tests.support.project import REPOSITORY

SCHEMA = REPOSITORY / "sql" / "pgflow_sql" / "schema"
DASHBOARD = REPOSITORY / "runtime" / "pgflow_runtime" / "dashboard"


@pytest.mark.parametrize(
    ("rule", "statuses"),
    [
        ("_run_is_sound", RUN_STATUSES),
        ("_state_is_sound", STEP_STATUSES),
        ("_task_is_sound", TASK_STATUSES),
    ],
)
def test_rows_take_the_statuses_of_the_table(rule: str, statuses: tuple[str, ...]) -> None:
    text = (SCHEMA / "10_types" / f"{rule}.sql").read_text(encoding="utf-8")
    (words,) = re.findall(rf"return {rule}\.status in \(([^)]*)\)", text)
    # What nobody stores yet, readers know already.
    assert {*re.findall(r"'(\w+)'", words), "cancelled"} == set(statuses)


def test_every_status_has_a_drawing_and_a_colour_on_pages() -> None:
    drawings = (DASHBOARD / "templates" / "parts.html").read_text(encoding="utf-8")
    colours = (DASHBOARD / "static" / "style.css").read_text(encoding="utf-8")
    icons = {status.icon for status in STATUSES.values()}
    assert {icon for icon in icons if f'id="i-{icon}"' not in drawings} == set()
    assert {icon for icon in icons if f".is-{icon}.state" not in colours} == set()
