"""Small parts of the worker: options, states, slots, threads, cached inputs, comparison with the database."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from collections.abc import Mapping
from concurrent.futures import CancelledError
from dataclasses import fields
from pathlib import Path
from typing import Any, Literal, get_type_hints

import pytest

from pgflow_runtime import WorkerConfig
from pgflow_runtime.contract import FlowContract
from pgflow_runtime.errors import ShapeMismatch, UnknownFlow, UsageError
from pgflow_runtime.option_values import Choice, Flag, Integer, Number, Text
from pgflow_runtime.worker.logs import JsonFormatter, TextFormatter
from pgflow_runtime.worker.process.definition import demand_same_structure, setting_differences
from pgflow_runtime.worker.process.options import WorkerOptions, make_config, variable
from pgflow_runtime.worker.states import Lifecycle, State
from pgflow_runtime.worker.tasks.inputs import RunInputs
from pgflow_runtime.worker.tasks.slots import Slots
from pgflow_runtime.worker.tasks.threads import Threads

SAMPLES: Mapping[str, tuple[str, object]] = {
    "max_concurrent": ("7", 7),
    "batch_size": ("8", 8),
    "visibility_timeout": ("9", 9),
    "max_poll_seconds": ("1.5", 1.5),
    "poll_interval_ms": ("50", 50),
    "poll_only": ("yes", True),
    "max_pg_connections": ("6", 6),
    "max_handler_connections": ("3", 3),
    "grace_seconds": ("0", 0.0),
    "max_output_bytes": ("1000", 1000),
    "retention": ("30d", "30d"),
    "health_port": ("9100", 9100),
    "health_host": ("0.0.0.0", "0.0.0.0"),
    "health_allowed_hosts": ("worker,worker.internal", "worker,worker.internal"),
    "name": ("me", "me"),
    "processes": ("2", 2),
    "executor_processes": ("2", 2),
    "executor_tasks": ("100", 100),
    "dask_scheduler": ("tcp://here:8786", "tcp://here:8786"),
    "ray_address": ("here:6379", "here:6379"),
    "exit_when_idle": ("0.5", 0.5),
    "max_tasks": ("1000", 1000),
    "restart_url": ("https://host:8080", "https://host:8080"),
    "log_format": ("json", "json"),
    "log_config": ("logging.toml", "logging.toml"),
    "log_level": ("debug", "debug"),
}


def test_keyword_arguments_are_the_fields_of_the_config() -> None:
    assert get_type_hints(WorkerOptions) == get_type_hints(WorkerConfig)
    assert SAMPLES.keys() == {item.name for item in fields(WorkerConfig)}


def test_what_an_option_takes_is_what_its_type_says() -> None:
    types = get_type_hints(WorkerConfig)
    for option in fields(WorkerConfig):
        values = option.metadata["values"]
        plain: dict[type, Any] = {Text: str, Flag: bool, Number: float, Integer: int}
        type_: Any = Literal[values.words] if isinstance(values, Choice) else plain[type(values)]
        assert types[option.name] == (type_ | None if getattr(values, "or_none", False) else type_)


@pytest.mark.parametrize("name", SAMPLES)
def test_every_option_has_a_variable_and_arguments_win(name: str) -> None:
    text, value = SAMPLES[name]
    env = {variable("health_port"): "8080", variable(name): text}  # restart_url is refused without
    assert getattr(make_config({}, env), name) == value
    given = getattr(WorkerConfig(name="x"), name)
    assert getattr(make_config({name: given}, env), name) == given


def test_an_unknown_option_is_refused() -> None:
    with pytest.raises(UsageError, match="no option 'slots'"):
        make_config({"slots": 3}, {})


def test_a_worker_starts_once_and_only_moves_forward() -> None:
    life = Lifecycle()
    for state in (State.STARTING, State.RUNNING, State.DEPRECATED, State.STOPPING, State.STOPPED):
        life.move(state)
        assert life.state is state
    for state in State:
        with pytest.raises(UsageError, match="a worker that is stopped cannot become"):
            life.move(state)


def test_slots_are_reserved_before_they_are_filled() -> None:
    slots = Slots(5)
    assert slots.reserve(3) == 3
    slots.busy += 1
    assert slots.reserve(9) == 1
    assert (slots.free, slots.reserve(1)) == (0, 0)
    slots.unreserve(4)
    assert slots.free == 4
    slots.stuck = 5
    assert slots.all_stuck


def test_slots_end_with_the_last_task_that_may_be_begun() -> None:
    slots = Slots(5, most_tasks=3)
    assert (slots.free, slots.reserve(9)) == (3, 3)
    slots.unreserve(3)
    for _ in range(3):
        assert not slots.spent.is_set()
        slots.take()
    assert (slots.free, slots.spent.is_set()) == (0, True)
    slots.busy -= 3
    assert (slots.free, slots.reserve(1)) == (0, 0)


async def test_threads_run_side_by_side_and_answer_in_the_loop() -> None:
    threads = Threads(3, asyncio.get_running_loop())
    meeting = threading.Barrier(3, timeout=30)
    done: asyncio.Queue[tuple[object, int]] = asyncio.Queue()

    def job() -> object:
        meeting.wait()
        return "met"

    for _ in range(3):
        threads.submit(job, lambda result: done.put_nowait((result, threading.get_ident())))
    assert threads.busy == 3
    for _ in range(3):
        assert await asyncio.wait_for(done.get(), 30) == ("met", threading.get_ident())
    assert threads.busy == 0
    threads.close()


async def test_a_runs_input_is_fetched_once_and_a_failure_is_not_kept() -> None:
    asked: list[str] = []

    async def fetch(run_id: str, step_slug: str | None) -> str:
        asked.append(run_id)
        await asyncio.sleep(0)
        if asked.count(run_id) == 1 and run_id == "shaky":
            raise OSError("lost")
        return f'"{run_id}"'

    inputs = RunInputs(fetch, asyncio.get_running_loop(), most=2)
    assert set(await asyncio.gather(inputs.get("a"), inputs.get("a"))) == {'"a"'}
    assert await asyncio.to_thread(inputs.get_in_thread, "a") == '"a"'
    assert asked == ["a"]
    with pytest.raises(OSError, match="lost"):
        await inputs.get("shaky")
    assert await inputs.get("shaky") == '"shaky"'
    await inputs.get("b")
    await inputs.get("a")
    assert asked.count("a") == 2, "only the last two are kept"
    await asyncio.gather(inputs.get("a", "m"), inputs.get("a", "m"), inputs.get("a"))
    assert asked.count("a") == 3, "what a map's tasks get is another text than the run's input"


async def test_closing_ends_what_is_still_being_fetched() -> None:
    asked: set[str] = set()
    are_all_asked = asyncio.Event()

    async def fetch(run_id: str, step_slug: str | None) -> str:
        asked.add(run_id)
        if len(asked) == 6:
            are_all_asked.set()
        await asyncio.Event().wait()
        return run_id

    inputs = RunInputs(fetch, asyncio.get_running_loop(), most=2)
    waiting = [asyncio.create_task(inputs.get(str(number))) for number in range(5)]
    waiting.append(asyncio.create_task(asyncio.to_thread(inputs.get_in_thread, "5")))
    await asyncio.wait_for(are_all_asked.wait(), 30)
    await inputs.close()
    ends = await asyncio.gather(*waiting, return_exceptions=True)
    assert all(isinstance(end, (asyncio.CancelledError, CancelledError)) for end in ends), ends
    assert asyncio.all_tasks() == {asyncio.current_task()}


def _contract(tmp_path: Path, steps: list[dict[str, Any]], settings: dict[str, Any]) -> FlowContract:
    path = tmp_path / "crawl.json"
    meta = {"slug": "crawl", "structure": {"steps": steps}, "settings": settings}
    path.write_text(json.dumps({"x-pgflow": meta}))
    return FlowContract(path)


def _step(slug: str, *dependencies: str, type: str = "single") -> dict[str, Any]:
    return {"slug": slug, "type": type, "dependencies": list(dependencies)}


def test_the_same_structure_passes(tmp_path: Path) -> None:
    steps = [_step("a"), _step("b", "a", type="map")]
    demand_same_structure(_contract(tmp_path, steps, {}), {"structure": {"steps": steps}})


def test_an_unknown_flow_names_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(UnknownFlow, match="flow 'crawl' is not in the database") as caught:
        demand_same_structure(_contract(tmp_path, [], {}), None)
    assert "pgflow-gen migrate" in str(caught.value.help)


def test_another_structure_is_shown_line_by_line(tmp_path: Path) -> None:
    code = [_step("a"), _step("b", "a", type="map"), _step("c", "b")]
    database = [_step("a"), _step("b", "a"), _step("old")]
    with pytest.raises(ShapeMismatch) as caught:
        demand_same_structure(_contract(tmp_path, code, {}), {"structure": {"steps": database}})
    assert caught.value.message.splitlines()[1:] == [
        "  - b: single after a",
        "  + b: map after a",
        "  + c: single after b",
        "  - old: single",
    ]


def test_settings_are_compared_with_the_defaults_filled_in(tmp_path: Path) -> None:
    contract = _contract(
        tmp_path,
        [_step("a"), _step("b", "a")],
        {"max_attempts": 5, "steps": {"a": {"timeout": 9}, "b": {"if": {"x": 1}}}},
    )
    database = {
        "settings": {
            "max_attempts": 5,
            "base_delay": 5,
            "timeout": 61,
            "steps": {
                "a": {"timeout": 9, "when_unmet": "skip"},
                "b": {"if": {"x": 2}, "when_exhausted": "skip"},
            },
        }
    }
    assert list(setting_differences(contract, database)) == [
        "timeout is 61 in the database, 60 in the code",
        "step 'b': if is {'x': 2} in the database, {'x': 1} in the code",
        "step 'b': when_exhausted is 'skip' in the database, 'fail' in the code",
    ]


def _record(message: str, **ids: object) -> logging.LogRecord:
    record = logging.LogRecord("pgflow.worker", logging.INFO, "", 0, message, (), None)
    record.__dict__["pgflow"] = ids
    return record


def test_an_event_is_one_line_of_text_with_its_ids() -> None:
    line = TextFormatter().format(_record("failed:\nValueError\r", flow="crawl", task=3))
    assert line.endswith("INFO    failed:\\nValueError\\r  flow=crawl task=3")


def test_an_event_is_one_json_object_with_its_ids() -> None:
    line = JsonFormatter().format(_record("failed:\nValueError", flow="crawl", task=3))
    event = json.loads(line)
    assert "\n" not in line
    assert {key: event[key] for key in ("level", "message", "flow", "task")} == {
        "level": "info",
        "message": "failed:\nValueError",
        "flow": "crawl",
        "task": 3,
    }
    assert event["time"].endswith("Z")
