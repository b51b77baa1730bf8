"""Events derived from readings: complete, once, in the promised order, whatever was read in between."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from pgflow_runtime.client._sync.feed import Feed
from pgflow_runtime.runs.events import Event, derive
from pgflow_runtime.runs.snapshot import RunSnapshot

RUN_ID = UUID(int=7)


@dataclass
class Simulation:
    """A run over a random DAG; each action moves one step on, as the core would, at a clock of its own."""

    dependencies: Mapping[str, Sequence[str]]
    clock: int = 0
    status: str = "started"
    ended: dict[str, str] = field(default_factory=dict)
    steps: dict[str, dict[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for slug in self.dependencies:
            self.steps[slug] = {"step_slug": slug, "status": "created", "remaining_tasks": None}

    def time(self) -> str:
        return f"2024-01-01T00:{self.clock // 60:02}:{self.clock % 60:02}+00:00"

    def act(self, slug: str, choice: str) -> None:
        """One transaction: end a started step and start what became ready."""
        step = self.steps[slug]
        if self.status != "started" or step["status"] != "started":
            return
        end = {"complete": "completed", "fail": "failed", "skip": "skipped"}[choice]
        left = 0 if end == "completed" else None
        step.update({"status": end, f"{end}_at": self.time(), "remaining_tasks": left})
        if end == "failed":
            self.end("failed")
            return
        self.start_ready()

    def start_ready(self) -> None:
        for slug, parents in self.dependencies.items():
            ended = all(self.steps[name]["status"] in ("completed", "skipped") for name in parents)
            if self.steps[slug]["status"] == "created" and ended:
                self.steps[slug].update(
                    {"status": "started", "started_at": self.time(), "remaining_tasks": 1}
                )
        if all(step["status"] in ("completed", "skipped") for step in self.steps.values()):
            self.end("completed")

    def end(self, status: str) -> None:
        if self.status == "started":
            self.status = status
            self.ended = {f"{status}_at": self.time()}

    def read(self) -> RunSnapshot:
        run: dict[str, Any] = {
            "run_id": str(RUN_ID),
            "flow_slug": "f",
            "status": self.status,
            "input": {},
            "output": None,
            "remaining_steps": 0,
            "started_at": "2024-01-01T00:00:00+00:00",
            "completed_at": None,
            "failed_at": None,
            **self.ended,
        }
        rows = [{"initial_tasks": 1, "remaining_deps": 0, **step} for step in self.steps.values()]
        return RunSnapshot.read({"run": run, "steps": rows})


@st.composite
def graphs(draw: st.DrawFn) -> dict[str, list[str]]:
    names = [f"s{index}" for index in range(draw(st.integers(1, 8)))]
    return {
        name: sorted(draw(st.sets(st.sampled_from(names[:index])))) if index else []
        for index, name in enumerate(names)
    }


actions = st.lists(
    st.tuples(
        st.integers(0, 7),
        st.sampled_from(["complete", "complete", "complete", "skip", "fail"]),
        st.booleans(),  # read afterwards?
        st.integers(-2, 3),  # clocks of concurrent transactions do not come in order
    ),
    max_size=40,
)


def name(event: Event) -> tuple[str, str]:
    return getattr(event, "step_slug", ""), event.status


def check(events: list[Event], dependencies: Mapping[str, Sequence[str]], *, is_over: bool) -> None:
    names = [name(event) for event in events]
    assert len(set(names)) == len(names), "an event came twice"
    assert names[0] == ("", "started")
    assert (names[-1][0] == "" and len(names) > 1) == is_over
    place = {found: index for index, found in enumerate(names)}
    for slug, parents in dependencies.items():
        mine = sorted(index for (step, _), index in place.items() if step == slug)
        if len(mine) == 2:
            assert names[mine[0]][1] == "started"
        for parent in parents:
            ends = [index for (step, word), index in place.items() if step == parent and word != "started"]
            assert not mine or (ends and ends[0] < mine[0]), "a child came before its parent's end"


@given(graphs(), actions)
def test_any_reader_gets_every_event_once_and_in_order(
    dependencies: dict[str, list[str]], moves: list[tuple[int, str, bool, int]]
) -> None:
    simulation = Simulation(dependencies, clock=10)
    simulation.start_ready()
    feed = Feed(simulation.read(), dependencies)
    slugs = list(dependencies)
    for index, choice, is_read, tick in moves:
        simulation.clock = max(10, simulation.clock + tick)
        simulation.act(slugs[index % len(slugs)], choice)
        if is_read:
            feed.apply(simulation.read())
    final = simulation.read()
    feed.apply(final)
    late = derive(None, final, dependencies)
    is_over = final.is_final
    check(feed.log, dependencies, is_over=is_over)
    check(late, dependencies, is_over=is_over)
    assert {name(event) for event in feed.log} == {name(event) for event in late}


@given(graphs(), actions, st.randoms(use_true_random=False))
def test_readings_that_overtake_each_other_change_nothing(
    dependencies: dict[str, list[str]], moves: list[tuple[int, str, bool, int]], random: Any
) -> None:
    simulation = Simulation(dependencies, clock=10)
    simulation.start_ready()
    readings = [simulation.read()]
    slugs = list(dependencies)
    for index, choice, _, _ in moves:
        simulation.clock += 1
        simulation.act(slugs[index % len(slugs)], choice)
        readings.append(simulation.read())
    feed = Feed(readings[0], dependencies)
    shuffled = readings[1:]
    random.shuffle(shuffled)
    for reading in [*shuffled, readings[-1], *shuffled]:
        feed.apply(reading)
    check(feed.log, dependencies, is_over=readings[-1].is_final)
    assert feed.latest == readings[-1]
