"""Pictures: where things stand."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from itertools import combinations
from typing import Any

import pytest

from pgflow_runtime.dashboard.drawing.graph import draw
from pgflow_runtime.dashboard.drawing.layers import lay_out
from pgflow_runtime.dashboard.drawing.plots import draw_columns, draw_lines, nice_top
from pgflow_runtime.dashboard.drawing.timeline import WIDTH, draw_timeline

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
DIAMOND = {"a": [], "b": ["a"], "c": ["a"], "d": ["b", "c"], "e": ["d", "a"]}


def random_graph(seed: int) -> dict[str, list[str]]:
    chance = random.Random(seed)
    slugs = [f"s{n}" for n in range(chance.randint(1, 40))]
    return {
        slug: chance.sample(slugs[:n], min(n, chance.choice((0, 1, 1, 2, 3)))) for n, slug in enumerate(slugs)
    }


@pytest.mark.parametrize("seed", range(30))
@pytest.mark.parametrize("direction", ["right", "down"])
def test_boxes_do_not_touch_and_edges_go_on(seed: int, direction: str) -> None:
    graph = random_graph(seed)
    picture = draw(graph, direction)
    assert picture is not None
    boxes = {box.slug: box for box in picture.boxes}
    assert set(boxes) == set(graph)
    for a, b in combinations(picture.boxes, 2):
        assert a.x + a.width <= b.x or b.x + b.width <= a.x or a.y + a.height <= b.y or b.y + b.height <= a.y
    for box in picture.boxes:
        assert 0 <= box.x <= box.x + box.width <= picture.width
        assert 0 <= box.y <= box.y + box.height <= picture.height
    assert {(c.source, c.target) for c in picture.curves} == {
        (source, target) for target, sources in graph.items() for source in sources
    }
    for slug, sources in graph.items():
        for source in sources:
            before, after = boxes[source], boxes[slug]
            if direction == "right":
                assert before.x + before.width < after.x
            else:
                assert before.y + before.height < after.y


def test_long_edges_get_room_between_the_boxes() -> None:
    layers = lay_out(DIAMOND)
    (route,) = [route for route in layers.routes if (route.source, route.target) == ("a", "e")]
    bends = route.places[1:-1]
    assert [place.layer for place in bends] == [1, 2]
    for bend in bends:
        others = [place for place in layers.places if place.layer == bend.layer]
        assert all(abs(place.position - bend.position) >= 0.7 for place in others)


def test_crossings_are_undone() -> None:
    graph = {"a": [], "b": [], "c": [], "x": ["c"], "y": ["b"], "z": ["a"]}
    places = {place.slug: place.position for place in lay_out(graph).places}
    pairs = [(places["a"], places["z"]), (places["b"], places["y"]), (places["c"], places["x"])]
    assert all((p[0] - q[0]) * (p[1] - q[1]) > 0 for p, q in combinations(pairs, 2))


def test_what_cannot_be_drawn() -> None:
    assert draw({f"s{n}": [] for n in range(401)}) is None
    empty = draw({})
    assert empty is not None
    assert empty.boxes == ()
    unknown = draw({"a": ["gone"]})
    assert unknown is not None
    assert unknown.curves == ()


def step(slug: str, start: float | None, end: float | None, **more: Any) -> dict[str, Any]:
    return {
        "step_slug": slug, "step_type": "single", "status": "completed" if end is not None else "started",
        "started_at": at(start), "ended_at": at(end), **more,
    }  # fmt: skip


def task(queued: float, start: float | None, end: float | None, **more: Any) -> dict[str, Any]:
    return {
        "task_index": 0, "status": "completed", "attempts_count": 1, "queued_at": at(queued),
        "started_at": at(start), "ended_at": at(end), **more,
    }  # fmt: skip


def at(seconds: float | None) -> datetime | None:
    return None if seconds is None else START + timedelta(seconds=seconds)


def test_timeline() -> None:
    run = {"started_at": START, "ended_at": at(10)}
    steps = [step("a", 0, 4), step("m", 4, 10, step_type="map"), step("never", None, None, status="created")]
    tasks = {
        "a": [task(0, 2, 4)],
        "m": [task(4, 8, 10, attempts_count=3), task(4, 4, 5, task_index=1)],
    }
    chart = draw_timeline(run, steps, tasks, {"a": 1, "m": 5}, START)
    assert [line.label for line in chart.lines] == ["a", "m", "[0]", "[1]", "never"]
    assert [(bar.kind, bar.x, bar.width) for bar in chart.lines[0].bars] == [
        ("waited", 0, 200), ("completed", 200, 200),
    ]  # fmt: skip
    assert [(bar.kind, bar.x, bar.width) for bar in chart.lines[2].bars] == [
        ("earlier", 400, 400), ("completed", 800, 200),
    ]  # fmt: skip
    assert (chart.lines[2].attempts, chart.lines[2].seconds) == (3, 2)
    assert chart.lines[4].bars == ()
    assert (chart.cut, chart.hidden_tasks) == ((("m", 2, 5),), 3)
    assert [(tick.x, tick.seconds) for tick in chart.ticks] == [(n * 200, n * 2) for n in range(6)]


def test_timeline_of_nothing_yet_and_of_clocks_that_differ() -> None:
    run = {"started_at": START, "ended_at": None}
    early = START - timedelta(seconds=1)  # our clock may be behind the database's
    chart = draw_timeline(run, [step("a", 0, None)], {"a": [task(0, 0, None, status="started")]}, {}, early)
    for line in chart.lines:
        for bar in line.bars:
            assert 0 <= bar.x <= bar.x + bar.width <= WIDTH


@pytest.mark.parametrize(
    ("highest", "top"),
    [(0, 1), (1, 1), (1.1, 2), (2.4, 2.5), (3, 5), (7, 10), (10, 10), (101, 200), (0.03, 0.05), (1e9, 1e9)],
)
def test_nice_top(highest: float, top: float) -> None:
    assert nice_top(highest) == pytest.approx(top)


def test_plots() -> None:
    times = [START + timedelta(minutes=n) for n in range(4)]
    columns = draw_columns(times, [("good", [4, 0, None, 1]), ("bad", [1, 0, None, 0])])
    assert [len(column.boxes) for column in columns.columns] == [2, 0, 0, 1]
    assert [mark.value for mark in columns.marks] == [0, 5]  # they count: there is no half
    (good, y, height), (bad, upper, _) = columns.columns[0].boxes
    assert (good, bad) == ("good", "bad")
    assert y + height == columns.bottom
    assert upper < y
    lines = draw_lines(times, [("p50", [1, 2, None, 3])])
    ((_, path, points),) = lines.lines
    assert (path.count("M"), path.count("L"), len(points)) == (2, 1, 3)
    assert draw_columns([], []).columns == ()
