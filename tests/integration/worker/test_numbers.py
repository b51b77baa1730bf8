"""Floats and ints on their way through steps, maps and clients: as their types say."""

from __future__ import annotations

from typing import Any

from pgflow_runtime.client import ClientBase, Run
from pgflow_runtime.contract.catalogue import find_contract
from pgflow_runtime.project import find_project
from pgflow_runtime.runs.events import StepCompletedEvent
from tests.support.worker_lab import Lab

EDGES = [1e300, 5e-324, 1.7976931348623157e308, 0.1, 1e16, 123456789012345680.0, -2.0, 0.0, 1e22, 3.0]


def figures(is_nested: bool) -> dict[str, Any]:
    """In the order in which jsonb keeps keys."""
    return {
        "many": EDGES,
        "exact": 1e300,
        "named": {"a": 2.0, "b": None, "c": 1e100},
        "whole": 10**18,
        **({} if is_nested else {"deeper": figures(True)}),
        "either": 3,
    }


def test_floats_and_ints_survive_any_chain_of_steps(lab: Lab) -> None:
    contract = find_contract(find_project(lab.project.root), "figures")
    run_type = type("FiguresRun", (Run,), {"contract": contract})
    given = figures(False)
    with lab.worker("figures"), ClientBase.connect(lab.dsn) as client:
        run: Run[Any] = client._start(run_type, given, None)
        output = run.result(30)
        assert repr(output["kept"]) == repr([given, given["deeper"]])
        assert output["sizes"] == [
            [repr(given)] + [repr(given)] * 2,
            [repr(given["deeper"])] + [repr(given)] * 2,
        ]
        assert output["last"] == {
            "each": repr([given, given["deeper"]]), "doubled": "14.0", "rounded": "7",
        }  # fmt: skip
        assert repr(run.input) == repr(given)
        assert repr(run._step("carry").output) == repr(given)
        assert repr(run._step("each").output) == repr([given, given["deeper"]])
        assert repr(run._step("rounded").output) == "7"
        told = {
            event.step_slug: event.output for event in run.events() if isinstance(event, StepCompletedEvent)
        }
        assert repr(told["carry"]) == repr(given)


def test_what_plain_sql_started_is_delivered_as_typed(lab: Lab) -> None:
    with lab.worker("figures"):
        value = {"exact": 1, "whole": 2.0, "many": [3, 4.5], "named": {"a": 5}, "either": 6.0}
        output = lab.completed(lab.start("figures", value))
        wanted = "{'many': [3.0, 4.5], 'exact': 1.0, 'named': {'a': 5.0}, 'whole': 2, 'either': 6.0}"
        assert output["sizes"][0] == [wanted] * 3


def test_a_bool_is_no_int(lab: Lab) -> None:
    """mypy takes one for the other; JSON, and whoever reads the output in another language, does not."""
    with lab.worker("truth"):
        message = lab.failed(lab.start("truth", 1))
    assert message.startswith("BoundaryError: output: expected int, got bool True")


def test_an_integer_beyond_all_floats_is_a_failure_with_words(lab: Lab) -> None:
    with lab.worker("figures"):
        value = {"exact": 10**400, "whole": 1, "many": [], "named": {}, "either": None}
        run = lab.start("figures", value)
        assert lab.ended(run)["status"] == "failed"
        (message,) = [task["error_message"] for task in lab.tasks(run) if task["error_message"]]
    assert "flow_input: holds an integer that is too large for a float" in message
