"""Pages of runs in runs: links both ways, a map's runs as a grid, what ends have started, failed undos."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest

from tests.integration.dashboard.test_control import said, send
from tests.support.batch import claim, fail, register
from tests.support.browser import launched, strict
from tests.support.core import Core, connect
from tests.support.dashboard import Dashboard, running
from tests.support.project import Project
from tests.support.subflows import family, hand_over, work
from tests.support.undo_flows import companions_of, fail_undo, failed_chain


@pytest.fixture
def hand(plain_database_dsn: str) -> Iterator[Core]:
    with connect(plain_database_dsn) as connection:
        yield Core(connection)


@pytest.fixture
def dashboard(hand: Core, plain_database_dsn: str, tmp_path: Path) -> Iterator[Dashboard]:
    with running(Project.make(tmp_path, {}), plain_database_dsn, tmp_path, "--allow-control") as found:
        yield found


def words(dashboard: Dashboard, path: str) -> str:
    return " ".join(dashboard.page(path).words.split())


def test_parent_and_child_link_to_each_other(dashboard: Dashboard, hand: Core) -> None:
    family(hand)
    run = hand.start_flow("parent").run_id
    (child,) = hand_over(hand, run)
    assert "waits for bill" in words(dashboard, "/runs")
    shown = words(dashboard, f"/runs/{run}")
    assert "in its run" in shown
    assert "waits for child" in shown
    for path in (f"/runs/{run}", f"/runs/{run}/steps/bill", f"/runs/{run}/steps/bill/0"):
        assert f"/runs/{child.run_id}" in dashboard.page(path).links()
    links = dashboard.page(f"/runs/{child.run_id}").links()
    assert {f"/runs/{run}", f"/runs/{run}/steps/bill"} <= set(links)
    assert "Started by bill of" in words(dashboard, f"/runs/{child.run_id}")
    names = [link["aria-label"] for link in dashboard.page(f"/runs/{run}").all("a") if "aria-label" in link]
    assert "bill, subflow, in its run" in names
    work(hand)
    assert "its run: child" in words(dashboard, f"/runs/{run}")


def test_attempts_at_a_task_have_each_their_run(dashboard: Dashboard, hand: Core) -> None:
    family(hand, max_attempts=2)
    run = hand.start_flow("parent").run_id
    (first,) = hand_over(hand, run)
    fail(hand, claim(hand, (register(hand, "child"), "child")), retryable=[False])
    hand.call("fire_timers")
    first, second = hand_over(hand, run)
    shown = words(dashboard, f"/runs/{run}/steps/bill/0")
    assert shown.rindex(str(second.run_id)) < shown.rindex(str(first.run_id))
    assert "attempt 2" in shown
    links = dashboard.page(f"/runs/{run}/steps/bill").links()
    assert links.index(f"/runs/{second.run_id}") < links.index(f"/runs/{first.run_id}")
    page = dashboard.page(f"/runs/{run}")
    assert f"/runs/{second.run_id}" in page.links()
    assert f"/runs/{first.run_id}" not in page.links()


def test_the_runs_of_a_map_are_a_grid(dashboard: Dashboard, hand: Core) -> None:
    family(hand, step_type="map")
    run = hand.start_flow("parent", list(range(5))).run_id
    found = hand_over(hand, run)
    tasks = claim(hand, (register(hand, "child"), "child"))
    fail(hand, tasks[:1], retryable=[False])
    page = dashboard.page(f"/runs/{run}/steps/bill")
    cells = {a["href"]: a for a in page.all("a") if a.get("id", "").startswith("run-")}
    assert list(cells) == [f"/runs/{child.run_id}" for child in found]
    failed = next(child for child in found if child.run_id == tasks[0].run_id)
    assert "is-failed" in cells[f"/runs/{failed.run_id}"]["class"]
    assert sum("is-started" in cell["class"] for cell in cells.values()) == 4
    names = [a.get("aria-label", "") for a in page.all("a") if a.get("id", "").startswith("task-")]
    assert names[1] == "Task 1, in its run"
    rest = dashboard.page(f"/runs/{run}/steps/bill?first=3")
    assert [a["id"] for a in rest.all("a") if a.get("id", "").startswith("run-")] == ["run-3", "run-4"]


def ended(hand: Core) -> tuple[UUID, UUID, UUID]:
    """A run, its undo that has failed, and what is done at its end."""
    run, undo = failed_chain(hand)
    fail_undo(hand)
    _, end = companions_of(hand, run)
    return run, undo, end.run_id


def test_what_ends_have_started_is_on_the_runs_page(dashboard: Dashboard, hand: Core) -> None:
    run, undo, end = ended(hand)
    page = dashboard.page(f"/runs/{run}")
    assert {f"/runs/{undo}", f"/runs/{end}"} <= set(page.links())
    shown = " ".join(page.words.split())
    assert "After its end" in shown
    assert "needs somebody: no way back" in shown
    assert "Undoes" in words(dashboard, f"/runs/{undo}")
    assert f"/runs/{run}" in dashboard.page(f"/runs/{end}").links()


def test_failed_undos_wait_for_somebody_who_retries_them(dashboard: Dashboard, hand: Core) -> None:
    run, undo, _ = ended(hand)
    page = dashboard.page("/waiting")
    assert {f"/runs/{run}", f"/runs/{undo}"} <= set(page.links())
    assert "Undos that have failed" in page.words
    done = send(dashboard, "/waiting", f"/runs/{undo}/retry")
    assert "This run goes on" in said(dashboard, done)
    assert "Undos that have failed" not in dashboard.page("/waiting").words


def test_companions_are_folded_under_their_flow(dashboard: Dashboard, hand: Core) -> None:
    ended(hand)
    page = dashboard.page("/flows")
    rows = [row for row in page.inner["tr"] if "f__undo" in row]
    assert len(rows) == 1
    assert "2 after its ends" in rows[0]
    assert {"/flows/f__undo", "/flows/f__end_tell"} <= set(page.links())
    assert {"/flows/f__undo", "/flows/f__end_tell"} <= set(dashboard.page("/flows/f").links())
    assert "/flows/f" in dashboard.page("/flows/f__undo").links()


def test_these_pages_are_well_in_a_browser(dashboard: Dashboard, hand: Core) -> None:
    """Also narrow: nothing is wider than the page, no script fails."""
    run, _, _ = ended(hand)
    family(hand, step_type="map")
    parent = hand.start_flow("parent", list(range(30))).run_id
    hand_over(hand, parent)
    with launched() as browser:
        for width in (1200, 390):
            page = browser.new_page(viewport={"width": width, "height": 900})
            faults = strict(page)
            for path in (
                f"/runs/{run}",
                "/waiting",
                "/flows",
                f"/runs/{parent}/steps/bill",
                f"/runs/{parent}",
            ):
                page.goto(dashboard.url + path)
                room = page.evaluate(
                    "document.documentElement.scrollWidth - document.documentElement.clientWidth"
                )
                assert room <= 0, path
            assert faults == []
