"""``replay``: today's handlers on what was recorded, and what they do otherwise."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.integration.replay.conftest import Recorded
from tests.support.project import Project


def replayed(project: Project, file: Path, *options: str) -> tuple[int, dict[str, Any]]:
    done = project.run("replay", str(file), "--json", *options)
    (run,) = json.loads(done.stdout)["runs"]
    return done.returncode, run


@pytest.mark.parametrize(
    "name", ["paid", "broken", "forked", "answered", "unanswered", "climbed", "exhausted"]
)
def test_unchanged_handlers_do_as_recorded(recorded: Recorded, tmp_path: Path, name: str) -> None:
    code, run = replayed(recorded.project, recorded.export(name, tmp_path))
    assert (code, run["verdict"], run["differences"]) == (0, "as recorded", [])
    if name != "forked":  # of what it took over, clients are told, too
        assert sorted(run["today"]["events"]) == sorted(run["recorded"]["events"])
    assert run["today"]["status"] == run["recorded"]["status"]


def test_each_task_is_begun_once_however_often_it_was(recorded: Recorded, tmp_path: Path) -> None:
    file = recorded.export("paid", tmp_path)
    recorded.calls()
    code, run = replayed(recorded.project, file)
    assert code == 0
    assert recorded.calls() == ["charge", "parcels", "weigh 3", f"weigh {10**20}", "label"]
    assert run["handler_calls"] == 5


def test_one_step_is_replayed_alone(recorded: Recorded, tmp_path: Path) -> None:
    file = recorded.export("paid", tmp_path)
    recorded.calls()
    done = recorded.project.ok("replay", str(file), "--step", "label")
    assert recorded.calls() == ["label"]
    assert done.stdout.splitlines()[1:] == ["  1 handler call: as recorded"]
    done = recorded.project.run("replay", str(file), "--step", "lable")
    assert (done.returncode, "did you mean 'label'?" in done.stderr) == (2, True)


def test_a_mended_handler_differs_by_what_it_gives_now(recorded: Recorded, tmp_path: Path) -> None:
    file = recorded.export("broken", tmp_path)
    mended = recorded.changed(tmp_path, "if parcel < 0:", "if parcel < -99:")
    recorded.calls()
    done = mended.run("replay", str(file))
    assert done.returncode == 1
    assert '    recorded  ValueError: no weight for -2\n    today     "-2 kg"\n' in done.stdout
    assert "1 difference" in done.stdout
    assert "label" not in recorded.calls()  # nothing was recorded of it


def test_another_error_differs(recorded: Recorded, tmp_path: Path) -> None:
    file = recorded.export("broken", tmp_path)
    changed = recorded.changed(tmp_path, 'raise ValueError(f"no weight', 'raise KeyError(f"no weight')
    code, run = replayed(changed, file)
    (difference,) = run["differences"]
    assert code == 1
    assert (difference["kind"], difference["step"], difference["index"]) == ("error", "weigh", 1)
    assert difference["today"] == "KeyError: 'no weight for -2'"


def test_dependents_get_what_was_recorded_whatever_is_made_today(recorded: Recorded, tmp_path: Path) -> None:
    code, run = replayed(recorded.project, recorded.export("lottery", tmp_path))
    assert code == 1
    assert [found["step"] for found in run["differences"]] == ["draw"]
    assert run["differences"][0]["kind"] == "output"


def test_recorded_values_that_no_longer_fit_are_told(recorded: Recorded, tmp_path: Path) -> None:
    file = recorded.export("paid", tmp_path)
    changed = recorded.changed(tmp_path, "    id: str\n", "    id: int\n")
    code, run = replayed(changed, file)
    kinds = {(found["step"], found["kind"]) for found in run["differences"]}
    assert code == 1
    assert ("charge", "type") in kinds
    assert any("expected int" in found["today"] for found in run["differences"]), run["differences"]


def test_another_structure_is_told_first(recorded: Recorded, tmp_path: Path) -> None:
    file = recorded.export("paid", tmp_path)
    more = "\n\n@order.step\ndef stamp(label: str) -> str:\n    return label\n\n\nlottery = "
    changed = recorded.changed(tmp_path, "\n\nlottery = ", more)
    done = changed.run("replay", str(file))
    assert (done.returncode, done.stdout.splitlines()[1]) == (1, "  step 'stamp' is new")


def test_handlers_that_ask_for_a_connection_are_passed_over(recorded: Recorded, tmp_path: Path) -> None:
    file = recorded.export("books", tmp_path)
    done = recorded.project.ok("replay", str(file))
    assert "  1 task passed over: it asks for a connection\n" in done.stdout
    assert "  1 handler call: as recorded\n" in done.stdout
    done = recorded.project.run("replay", str(file), "--step", "debit")
    assert done.returncode == 1


def test_redacted_values_are_no_differences(recorded: Recorded, tmp_path: Path) -> None:
    options = ["--redact", "input.card.number", "--redact", "steps.charge.output.id", "--redact", "error"]
    for name in ("paid", "broken"):
        code, run = replayed(recorded.project, recorded.export(name, tmp_path, *options))
        assert (code, run["differences"]) == (0, [])


def test_all_failures_of_a_time_are_summed_up_by_error(recorded: Recorded, tmp_path: Path) -> None:
    recorded.calls()
    done = recorded.project.ok("replay", "--failed", "--since", "1d", "--dsn", recorded.dsn)
    assert "3 runs, by what failed them:" in done.stdout
    assert "  1 as recorded  order.weigh: ValueError: no weight for -#\n" in done.stdout
    assert "  1 as recorded  late: timed out after # s\n" in done.stdout
    mended = recorded.changed(tmp_path, "if parcel < 0:", "if parcel < -99:")
    done = mended.run("replay", "--failed", "--flow", "order", "--json", "--dsn", recorded.dsn)
    assert done.returncode == 1
    document = json.loads(done.stdout)
    assert document["summary"] == [{"failure": "order.weigh: ValueError: no weight for -#", "differs": 1}]


def test_a_project_without_the_flow_says_so(recorded: Recorded, tmp_path: Path) -> None:
    stranger = Project.make(tmp_path / "other", {})
    done = stranger.run("replay", str(recorded.export("paid", tmp_path)))
    assert done.returncode == 1
    assert "cannot be replayed: this project has no flow 'order'" in done.stdout


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "is no recording"),
        ("[]", "is no recording"),
        ('{"pgflow_recording": 2, "runs": []}', "use a newer pgflow-gen"),
        ('{"pgflow_recording": 1, "runs": [{}]}', "recording.runs[0] the key"),
    ],
)
def test_files_that_are_no_recordings_are_refused_in_words(
    recorded: Recorded, tmp_path: Path, text: str, said: str
) -> None:
    file = tmp_path / "odd.json"
    file.write_text(text)
    done = recorded.project.run("replay", str(file))
    assert (done.returncode, said in done.stderr) == (2, True), done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "say which runs"),
        (["run.json", "--failed"], "names runs, and --failed chooses them"),
        (["run.json", "--since", "1d"], "add --failed"),
        (["nowhere.json"], "cannot read nowhere.json"),
    ],
)
def test_odd_choices_are_answered_in_words(recorded: Recorded, arguments: list[str], said: str) -> None:
    done = recorded.project.run("replay", *arguments)
    assert (done.returncode, said in done.stderr) == (2, True), done.stderr
