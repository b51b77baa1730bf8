"""``runs export``: all that a run was, in a file of its owner's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.integration.replay.conftest import Recorded


def only_run(file: Path) -> dict[str, Any]:
    document = json.loads(file.read_text(encoding="utf-8"))
    assert document["pgflow_recording"] == 1
    (run,) = document["runs"]
    return dict(run)


def test_a_run_is_written_with_everything_its_tasks_did(recorded: Recorded, tmp_path: Path) -> None:
    file = recorded.export("paid", tmp_path)
    assert file.stat().st_mode & 0o777 == 0o600
    run = only_run(file)
    assert (run["flow_slug"], run["flow"], run["status"]) == ("order", "flows.shop:order", "completed")
    assert run["input"]["prices"] == [3, 10**20]
    assert run["input"]["sku"] == "té"
    assert run["structure_hash"].startswith("sha256:")
    assert run["types_hash"].startswith("sha256:")
    assert run["versions"].keys() == {"pgflow_gen", "core"}
    assert list(run["steps"]) == ["charge", "parcels", "weigh", "gift", "label"]
    assert run["steps"]["weigh"]["output"] == ["3 kg", f"{10**20} kg"]
    assert run["steps"]["gift"]["skip_reason"] == "condition_unmet"
    (charge,) = run["steps"]["charge"]["tasks"]
    assert (charge["attempts"], charge["failures"][0]["attempt"]) == (2, 1)
    assert charge["failures"][0]["error"].startswith("ConnectionError: card 4711-4711 refused once")
    events = [event["event"] for event in run["events"]]
    assert (events[0], events[-1]) == ("run:started", "run:completed")
    assert events.index("step:charge:completed") < events.index("step:parcels:started")


def test_of_a_step_that_failed_each_task_says_what_became_of_it(recorded: Recorded, tmp_path: Path) -> None:
    run = only_run(recorded.export("broken", tmp_path))
    assert run["status"] == "failed"
    assert run["error"].startswith("ValueError: no weight for -2")
    tasks = run["steps"]["weigh"]["tasks"]
    assert [task["index"] for task in tasks] == [0, 1, 2]
    assert tasks[1]["attempts"] == 2
    assert tasks[1]["error"].startswith("ValueError: no weight for -2")
    assert {"output": tasks[0]["output"], "status": "completed"}.items() <= tasks[0].items()
    assert tasks[0]["output"] == "1 kg"


def test_what_a_fork_took_over_is_told(recorded: Recorded, tmp_path: Path) -> None:
    run = only_run(recorded.export("forked", tmp_path))
    assert run["forked_from"] == recorded.runs["paid"]
    assert run["steps"]["charge"]["reused"] is True
    assert run["steps"]["charge"]["tasks"] == []
    assert run["steps"]["charge"]["output"]["id"] == "4711-4711"


def test_what_a_step_waited_for_is_told(recorded: Recorded, tmp_path: Path) -> None:
    steps = only_run(recorded.export("answered", tmp_path))["steps"]
    assert (steps["approval"]["kind"], steps["approval"]["output"]) == ("signal", {"by": "Ada"})
    assert (steps["cool_down"]["kind"], steps["cool_down"]["tasks"]) == ("sleep", [])
    steps = only_run(recorded.export("unanswered", tmp_path))["steps"]
    assert steps["approval"]["skip_reason"] == "timed_out"


def test_of_a_loop_the_last_round_is_told(recorded: Recorded, tmp_path: Path) -> None:
    (task,) = only_run(recorded.export("climbed", tmp_path))["steps"]["climb"]["tasks"]
    assert (task["round"], task["state"], task["attempts"]) == (3, 2, 3)
    hidden = recorded.export("climbed", tmp_path, "--redact", "steps.climb.state")
    assert only_run(hidden)["steps"]["climb"]["tasks"][0]["state"] == 0


def test_several_runs_go_to_standard_output(recorded: Recorded) -> None:
    ids = [recorded.runs["paid"], recorded.runs["lottery"]]
    done = recorded.project.ok("runs", "export", *ids, "--dsn", recorded.dsn)
    assert [run["run_id"] for run in json.loads(done.stdout)["runs"]] == ids


def test_failed_runs_are_chosen_by_flow_and_time(recorded: Recorded) -> None:
    def exported(*options: str) -> set[str]:
        done = recorded.project.ok("runs", "export", "--failed", *options, "--dsn", recorded.dsn)
        return {run["run_id"] for run in json.loads(done.stdout)["runs"]} if done.stdout else set()

    assert exported() == {recorded.runs[name] for name in ("broken", "late", "exhausted")}
    assert exported("--since", "1d", "--flow", "order") == {recorded.runs["broken"]}
    assert exported("--since", "0s") == set()
    done = recorded.project.ok("runs", "export", "--failed", "--limit", "1", "--dsn", recorded.dsn)
    assert "there are more; these are the latest 1 run" in done.stderr


def test_redacted_values_are_nowhere_in_the_file_and_still_fit_their_types(
    recorded: Recorded, tmp_path: Path
) -> None:
    paths = ["input.card", "steps.charge.output['id']", "error", "steps.weigh.output"]
    options = [option for path in paths for option in ("--redact", path)]
    file = recorded.export("broken", tmp_path, *options)
    assert "4711" not in file.read_text()
    assert "no weight" not in file.read_text()
    run = only_run(file)
    assert run["redacted"] == paths
    assert run["input"]["card"] == {"number": "[redacted]", "pin": 0}
    assert run["error"] == "ValueError: [redacted]"
    assert run["steps"]["weigh"]["tasks"][0]["output"] == "[redacted]"
    run = only_run(recorded.export("paid", tmp_path, *options))
    assert run["steps"]["weigh"]["output"] == ["[redacted]", "[redacted]"]


def test_a_redaction_that_hides_nothing_is_no_silent_success(recorded: Recorded, tmp_path: Path) -> None:
    file = tmp_path / "run.json"
    command = ["runs", "export", recorded.runs["paid"], "-o", str(file), "--dsn", recorded.dsn]
    done = recorded.project.run(*command, "--redact", "steps.charg.output.id")
    assert done.returncode == 2
    assert "there is no step 'charg'" in done.stderr
    assert not file.exists()
    done = recorded.project.run(*command, "--redact", "card.number")
    assert (done.returncode, "this is no path" in done.stderr) == (2, True)
    done = recorded.project.ok(*command, "--redact", "input.card.nummer")
    assert "--redact input.card.nummer has met no value" in done.stderr


def test_a_recording_that_becomes_too_large_leaves_the_old_file(recorded: Recorded, tmp_path: Path) -> None:
    file = tmp_path / "run.json"
    file.write_text("old")
    command = ["runs", "export", recorded.runs["paid"], "-o", str(file), "--max-bytes", "500"]
    done = recorded.project.run(*command, "--dsn", recorded.dsn)
    assert (done.returncode, "larger than 500 bytes" in done.stderr) == (2, True)
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]
    assert file.read_text() == "old"


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ([], 2, "say which runs"),
        ([str(uuid4())], 1, "there is no run"),
        ([str(uuid4()), "--failed"], 2, "give one of the two"),
        (["--since", "1d"], 2, "say which runs"),
        ([str(uuid4()), "--flow", "order"], 2, "add --failed"),
        (["--failed", "--since", "soon"], 2, "is no duration"),
    ],
)
def test_odd_choices_are_answered_in_words(
    recorded: Recorded, arguments: list[str], code: int, said: str
) -> None:
    done = recorded.project.run("runs", "export", *arguments, "--dsn", recorded.dsn)
    assert (done.returncode, said in done.stderr) == (code, True), done.stderr
