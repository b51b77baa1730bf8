"""A message counts as a task's only if its keys can be cast: what claims read may come from anybody."""

from __future__ import annotations

import pytest
from psycopg.types.json import Jsonb

from tests.support.core import Core

RUN_ID = "0198c3a1-7f00-7abc-8def-0123456789ab"
GOOD = {"flow_slug": "f", "run_id": RUN_ID, "step_slug": "a", "task_index": 0}


@pytest.mark.parametrize("change", [{}, {"run_id": RUN_ID.upper()}, {"task_index": 999_999_999}, {"more": 1}])
def test_what_can_be_cast(core: Core, change: dict[str, object]) -> None:
    assert core.value("select pgflow._is_task_message(%s)", Jsonb(GOOD | change))


@pytest.mark.parametrize(
    "run_id",
    [
        None, 1, {}, [], "", "a", RUN_ID[:-1], RUN_ID + "a", " " + RUN_ID, RUN_ID + "\n",
        RUN_ID.replace("-", ""), RUN_ID.replace("a", "g"), RUN_ID.replace("-", "_"), "-" * 36,
        "0198c3a17-f00-7abc-8def-0123456789ab", "0198c3a1-7f00-7abc-8def-01234567-9ab",
        "0198c3a1-7f00-7abc-8def-0123456789äb", "{" + RUN_ID[1:-1] + "}",
        "0198c3a1-7f00-7abc-8def-%123456789ab",
    ],
)  # fmt: skip
def test_run_ids_that_cannot(core: Core, run_id: object) -> None:
    assert not core.value("select pgflow._is_task_message(%s)", Jsonb(GOOD | {"run_id": run_id}))


@pytest.mark.parametrize(
    "change",
    [
        {"step_slug": None}, {"step_slug": 1}, {"step_slug": ["a"]},
        {"task_index": None}, {"task_index": -1}, {"task_index": 1.5}, {"task_index": 1e20},
        {"task_index": 1_000_000_000}, {"task_index": ""}, {"task_index": "x"}, {"task_index": "1\n"},
        {"task_index": [1]},
    ],
)  # fmt: skip
def test_steps_and_indexes_that_cannot(core: Core, change: dict[str, object]) -> None:
    assert not core.value("select pgflow._is_task_message(%s)", Jsonb(GOOD | change))


@pytest.mark.parametrize("message", [None, 1, "x", [], [GOOD], {}])
def test_other_messages(core: Core, message: object) -> None:
    assert not core.value("select pgflow._is_task_message(%s)", Jsonb(message))
