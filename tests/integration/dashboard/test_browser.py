"""The dashboard in a real browser."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.browser import CONTRAST, NAMES_MISSING, launched, strict
from tests.support.dashboard import Dashboard, running
from tests.support.worker_lab import Lab

PHONE = {"width": 360, "height": 740}
DESK = {"width": 1280, "height": 800}
Open = Callable[..., Page]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with launched() as found:
        yield found


@pytest.fixture
def opened(browser: Browser, dashboard: Dashboard) -> Iterator[Open]:
    """A function from a path to a page; whatever a page must not do fails the test."""
    faults: list[str] = []
    contexts = []

    def make(path: str, viewport: dict[str, int] = DESK, **options: Any) -> Page:
        context = browser.new_context(viewport=viewport, **options)  # type: ignore[arg-type]
        contexts.append(context)
        page = context.new_page()
        page_faults = strict(page)
        page.goto(dashboard.url + path)
        faults_of.append(page_faults)
        return page

    faults_of: list[list[str]] = []
    yield make
    for context in contexts:
        context.close()
    for found in faults_of:
        faults += found
    assert faults == []


def all_pages(lab: Lab) -> list[str]:
    """A page of each kind with something on it."""
    with lab.worker("fan", "steer"):
        run_id = lab.start("fan", 30)
        failed = lab.start("steer", {"what": "non-retryable"})
        lab.completed(run_id)
        lab.ended(failed)
    going, held, cancelled = (lab.start("chain", n) for n in range(3))
    lab.sql("select pgflow.hold_runs(array[%s::uuid], 'Ann')", held)
    lab.sql("select pgflow.cancel_runs(array[%s::uuid], 'by mistake', 'Ann')", cancelled)
    lab.sql("select pgflow.pause_flow('patient', 'Ann')")
    return [
        "/runs", f"/runs/{run_id}", f"/runs/{failed}", f"/runs/{run_id}/steps/square",
        f"/runs/{run_id}/steps/square/3", f"/runs/{failed}/steps/obey", "/flows", "/flows/fan", "/flows/held",
        "/flows/held/start", "/workers", "/queues", "/runs?status=failed&flow=chain", "/nothing", "/errors",
        f"/runs/{run_id}/steps/square?those=slowest", f"/runs/{held}", f"/runs/{cancelled}", "/flows/patient",
        f"/runs/{going}/cancel", f"/runs/{failed}/fork", "/bulk/retry?flow=steer", "/bulk/cancel?flow=chain",
        f"/runs/{run_id}?did=already_completed", f"/flows/chain/start?like={going}", "/runs?flow=chain",
    ]  # fmt: skip


def test_from_the_list_to_a_task(lab: Lab, opened: Open) -> None:
    with lab.worker("fan"):
        run_id = lab.start("fan", 5)
        lab.completed(run_id)
    page = opened("/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Runs")
    page.get_by_role("link", name=run_id).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("fan")
    page.locator(".goes-right").get_by_role("link", name="square, completed").click()
    page.get_by_role("link", name="Task 4, completed").click()
    expect(page.locator("pre").first).to_have_text("4")
    page.get_by_role("link", name="Runs", exact=True).first.click()
    page.get_by_label("Status").select_option("failed")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_text("No such runs")).to_be_visible()


def test_a_run_changes_before_ones_eyes(lab: Lab, opened: Open) -> None:
    run_id = lab.start("patient", {"folder": str(lab.folder), "name": "p"})
    page = opened(f"/runs/{run_id}")
    node = page.locator("#right-wait")
    expect(node).to_have_attribute("aria-label", "wait, queued")
    expect(page.locator(".title .state")).to_have_text("running")
    page.evaluate("window.mark = 1")  # gone if the page were loaded anew
    with lab.worker("patient"):
        lab.begun("p.begun.1")
        expect(node).to_have_attribute("aria-label", "wait, running", timeout=20_000)
        node.focus()
        lab.let_go("p.go")
        expect(page.locator(".title .state")).to_have_text("completed", timeout=20_000)
    expect(node).to_have_attribute("aria-label", "wait, completed")
    expect(page.locator("#right-after")).to_have_attribute("aria-label", "after, completed")
    expect(page.locator("#said")).to_contain_text("The run completed.")
    expect(page.locator("#region-values")).to_contain_text("after went")
    expect(page.locator(".live")).to_have_count(0)
    assert page.evaluate("window.mark") == 1
    assert page.evaluate("document.activeElement.id") == "right-wait", "the focus stays where it was"


def test_a_step_changes_before_ones_eyes(lab: Lab, opened: Open) -> None:
    run_id = lab.start("fan", 12)
    page = opened(f"/runs/{run_id}/steps/square")
    with lab.worker("fan"):
        expect(page.locator(".cell.is-completed")).to_have_count(12, timeout=20_000)
    expect(page.locator("#region-values")).to_contain_text("121")


def test_times_say_how_long_ago_and_exactly_when(lab: Lab, opened: Open) -> None:
    run_id = lab.start("chain", 1)
    lab.sql("update pgflow.runs set started_at = started_at - interval '3 min' where run_id = %s", run_id)
    page = opened(f"/runs/{run_id}", timezone_id="Asia/Tokyo", locale="en-GB")
    time = page.locator("#region-head time")
    expect(time).to_have_text("3 min ago")
    moment = datetime.fromisoformat(time.get_attribute("datetime") or "")
    title = time.get_attribute("title") or ""
    assert f"{moment.astimezone(ZoneInfo('Asia/Tokyo')):%H:%M:%S}" in title


def test_the_list_shows_new_runs_by_itself(lab: Lab, opened: Open) -> None:
    page = opened("/runs")
    run_id = lab.start("chain", 1)
    expect(page.get_by_role("link", name=run_id)).to_be_visible(timeout=20_000)


def test_a_running_run_is_cancelled(lab: Lab, opened: Open) -> None:
    run_id = lab.start("patient", {"folder": str(lab.folder), "name": "c"})
    with lab.worker("patient"):
        lab.begun("c.begun.1")
        page = opened(f"/runs/{run_id}")
        page.get_by_role("link", name="Cancel", exact=True).click()
        page.get_by_label("Reason").fill("ordered by mistake")
        page.get_by_role("button", name="Cancel the run").click()
        expect(page.get_by_role("status").first).to_have_text("This run was cancelled.")
        expect(page.locator(".title .state")).to_have_text("cancelled")
        expect(page.locator("#region-head")).to_contain_text("ordered by mistake")
        assert page.url.endswith(f"/runs/{run_id}"), "it is not said again when the page is loaded anew"
        lab.let_go("c.go")
    assert lab.run(run_id)["status"] == "cancelled"


def test_a_followed_run_shows_that_another_cancelled_it(lab: Lab, opened: Open) -> None:
    run_id = lab.start("chain", 1)
    page = opened(f"/runs/{run_id}")
    expect(page.locator("#do-hold")).to_be_visible()
    page.locator("#do-fork").focus()
    lab.sql("select pgflow.cancel_runs(array[%s::uuid], 'elsewhere', 'Ann')", run_id)
    expect(page.locator(".title .state")).to_have_text("cancelled", timeout=20_000)
    expect(page.locator("#do-retry")).to_be_visible()
    expect(page.locator("#do-cancel")).to_have_count(0)
    expect(page.locator("#region-trail")).to_contain_text("Ann")
    assert page.evaluate("document.activeElement.id") == "do-fork", "the focus stays where it was"


def test_a_failed_run_is_retried(lab: Lab, opened: Open) -> None:
    with lab.worker("steer"):
        run_id = lab.start("steer", {"what": "non-retryable"})
        lab.ended(run_id)
    page = opened(f"/runs/{run_id}")
    page.get_by_role("button", name="Retry").click()
    expect(page.get_by_role("status").first).to_contain_text("This run goes on")
    expect(page.locator(".title .state")).to_have_text("running")
    with lab.worker("steer"):
        expect(page.locator(".title .state")).to_have_text("failed", timeout=20_000)
    expect(page.get_by_role("button", name="Retry")).to_be_visible()


def test_many_failed_runs_are_retried_after_a_question(lab: Lab, opened: Open) -> None:
    with lab.worker("steer"):
        runs = [lab.start("steer", {"what": "non-retryable"}) for _ in range(3)]
        for run_id in runs:
            lab.ended(run_id)
    page = opened("/errors")
    page.get_by_role("link", name="Retry all of these").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Retry 3 runs?")
    page.get_by_role("button", name="Retry 3 runs").click()
    expect(page.get_by_role("status").first).to_have_text("3 runs were retried.")
    expect(page.get_by_text("No run has failed")).to_be_visible()
    assert {lab.run(run_id)["status"] for run_id in runs} == {"started"}


def test_a_run_is_forked(lab: Lab, opened: Open) -> None:
    with lab.worker("chain"):
        run_id = lab.start("chain", 1)
        lab.completed(run_id)
    page = opened(f"/runs/{run_id}")
    page.get_by_role("link", name="Fork").click()
    page.get_by_label("third").check()
    page.get_by_role("button", name="Start the new run").click()
    expect(page.get_by_role("status").first).to_have_text("This is the new run.")
    expect(page.locator("#right-second")).to_have_attribute("aria-label", "second, taken over")


def test_a_lost_connection_is_said(lab: Lab, dashboard: Dashboard, browser: Browser) -> None:
    run_id = lab.start("chain", 1)
    page = browser.new_page()
    page.goto(f"{dashboard.url}/runs/{run_id}")
    expect(page.locator(".live")).to_have_text("live")
    assert dashboard.stop() == 0
    expect(page.locator(".live")).to_contain_text("connection lost", timeout=20_000)
    page.close()


def test_the_form(lab: Lab, opened: Open) -> None:
    page = opened("/flows/held/start")
    page.get_by_label("folder").fill("/tmp")
    page.get_by_label("name", exact=True).fill("<b>né</b> \U0001f600")
    page.get_by_role("button", name="Give mode").click()
    assert page.evaluate("document.activeElement.tagName") == "INPUT"
    page.get_by_label("mode", exact=True).fill("polite")
    page.get_by_role("button", name="Leave out mode").click()
    assert json.loads(page.locator("#input").input_value()) == {
        "folder": "/tmp", "name": "<b>né</b> \U0001f600",
    }  # fmt: skip
    page.get_by_role("button", name="Start", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("held")
    (row,) = lab.sql("select input from pgflow.runs")
    assert row["input"] == {"folder": "/tmp", "name": "<b>né</b> \U0001f600"}


def test_the_form_of_a_number(lab: Lab, opened: Open) -> None:
    """More digits than a JavaScript number holds arrive as written; a misfit is said and nothing is lost."""
    page = opened("/flows/chain/start")
    field = page.locator("#fields input")
    field.fill("seven")
    expect(field).to_have_attribute("aria-invalid", "true")
    page.get_by_role("button", name="Start", exact=True).click()
    expect(page.get_by_role("alert").first).to_contain_text("input")
    expect(page.locator("#fields input")).to_have_value("seven")
    page.locator("#fields input").fill("123456789012345678901234567890")
    page.get_by_role("button", name="Start", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("chain")
    assert lab.sql("select input::text from pgflow.runs") == [{"input": "123456789012345678901234567890"}]


def test_the_text_and_the_fields_keep_in_step(opened: Open) -> None:
    page = opened("/flows/held/start")
    page.get_by_text("Input as JSON", exact=True).first.click()
    text = page.locator("#input")
    text.fill('{"folder": "a", "name": "b", "mode": "c", "more": [1]}')
    text.blur()
    expect(page.get_by_label("mode", exact=True)).to_have_value("c")
    page.get_by_label("folder").fill("changed")
    assert json.loads(text.input_value()) == {"folder": "changed", "name": "b", "mode": "c", "more": [1]}
    text.fill("{")
    text.blur()
    expect(page.locator("#raw-fault")).to_contain_text("not JSON")


def test_with_the_keyboard_alone(lab: Lab, opened: Open) -> None:
    with lab.worker("fan"):
        run_id = lab.start("fan", 100)
        lab.completed(run_id)
    page = opened("/runs")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    assert page.locator(".skip").bounding_box()["y"] >= 0  # type: ignore[index]
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()
    reach(page, "Show")
    reach(page, run_id)
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/runs/{run_id}")
    reach(page, "square, completed")
    page.keyboard.press("Enter")
    page.wait_for_url("**/steps/square")
    reach(page, "Task 0, completed")
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("link", name="Task 1, completed")).to_be_focused()
    page.keyboard.press("End")
    expect(page.get_by_role("link", name="Task 99, completed")).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(page.get_by_role("link", name="Task 99, completed")).not_to_be_focused()
    page.keyboard.press("Home")
    page.keyboard.press("Tab")
    assert "cell" not in page.evaluate("document.activeElement.className"), "one stop for the whole grid"


def reach(page: Page, name: str) -> None:
    """Press Tab until the element of this name has the focus, which must be visible."""
    script = """() => {
      const at = document.activeElement;
      const style = getComputedStyle(at);
      const box = at.querySelector?.(".box");
      const isSeen = style.outlineStyle !== "none" || (box && getComputedStyle(box).strokeWidth === "3px");
      return [(at.getAttribute("aria-label") ?? at.textContent).trim(), isSeen];
    }"""
    for _ in range(80):
        page.keyboard.press("Tab")
        found, is_seen = page.evaluate(script)
        assert is_seen, f"nobody sees that {found!r} has the focus"
        if found == name:
            return
    raise AssertionError(f"Tab never reaches {name!r}")


def test_on_a_phone_nothing_sticks_out(lab: Lab, opened: Open) -> None:
    for path in all_pages(lab):
        page = opened(path, PHONE)
        page.wait_for_load_state("networkidle") if "/runs/" not in path else None
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= PHONE["width"], path
        page.close()


def test_a_phone_gets_the_graph_from_top_to_bottom(lab: Lab, opened: Open) -> None:
    run_id = lab.start("chain", 1)
    page = opened(f"/runs/{run_id}", PHONE)
    expect(page.locator(".goes-down")).to_be_visible()
    expect(page.locator(".goes-right")).to_be_hidden()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everything_can_be_read_and_has_a_name(lab: Lab, opened: Open, scheme: str) -> None:
    grounds = set()
    for path in all_pages(lab):
        page = opened(path, color_scheme=scheme, reduced_motion="reduce")
        assert page.evaluate(CONTRAST) == [], path
        assert page.evaluate(NAMES_MISSING) == [], path
        grounds.add(page.evaluate("getComputedStyle(document.body).backgroundColor"))
        page.close()
    (ground,) = grounds
    assert ground == ("rgb(246, 247, 249)" if scheme == "light" else "rgb(16, 20, 27)")


def test_signing_in(lab: Lab, browser: Browser) -> None:
    token = "a token that nobody guesses"
    with running(lab.project, lab.dsn, lab.folder, "--token", token) as dashboard:
        page = browser.new_page()
        page.goto(f"{dashboard.url}/runs")
        page.get_by_label("Token").fill("wrong")
        page.keyboard.press("Enter")
        expect(page.get_by_role("alert")).to_have_text("This is not the token.")
        page.get_by_label("Token").fill(token)
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", level=1)).to_have_text("Runs")
        assert page.evaluate("document.cookie") == "", "scripts see no cookie"
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_label("Token")).to_be_visible()
        page.goto(f"{dashboard.url}/runs")
        expect(page.get_by_label("Token")).to_be_visible()
        page.close()


def test_without_scripts(lab: Lab, opened: Open) -> None:
    """Everything but what is live can be read, and a run started from its JSON."""
    page = opened("/flows/chain/start", java_script_enabled=False)
    page.locator("#input").fill("5")
    page.get_by_role("button", name="Start", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("chain")
    expect(page.locator("#right-first")).to_be_visible()
