"""People act on runs and flows from the pages: with --allow-control, and only there."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import httpx
import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from pgflow_runtime.dashboard import DashboardOptions
from pgflow_runtime.dashboard.app import make_app
from pgflow_runtime.dashboard.pages import bulk
from pgflow_runtime.project import find_project
from tests.support.dashboard import Answer, Dashboard, Page, running
from tests.support.project import Project
from tests.support.worker_lab import Lab

TOKEN = "a token that nobody guesses"


@pytest.fixture(scope="module")
def shared_control(shared_lab: Lab) -> Iterator[Dashboard]:
    with running(shared_lab.project, shared_lab.dsn, shared_lab.folder, "--allow-control") as found:
        yield found


def forms_of(dashboard: Dashboard, path: str, **headers: str) -> tuple[Page, dict[str, str]]:
    """A page with forms, and the headers that go with what they send."""
    answer = dashboard.ask(path, headers=headers)
    assert answer.status == 200, answer.text
    cookies = {**answer.cookies}
    cookie = "; ".join(f"{name}={value}" for name, value in cookies.items())
    return answer.page, {"Cookie": "; ".join(filter(None, (headers.get("Cookie"), cookie)))}


def fields_of(page: Page) -> dict[str, str]:
    """What the page's hidden fields hold."""
    return {i["name"]: i.get("value", "") for i in page.all("input") if i.get("type") == "hidden"}


def send(dashboard: Dashboard, source: str, target: str, **fields: str) -> Answer:
    """Send a form of the page ``source`` to ``target``."""
    page, headers = forms_of(dashboard, source)
    return dashboard.ask(target, form={**fields_of(page), **fields}, headers=headers)


def said(dashboard: Dashboard, answer: Answer) -> str:
    """The words of the page that an action leads to."""
    assert answer.status == 303, answer.text
    return " ".join(dashboard.page(answer.headers["location"]).words.split())


def nodes(page: Page) -> set[str]:
    """The steps of a page's graph, each with its state."""
    return {a["aria-label"] for a in page.all("a") if "node" in a.get("class", "")}


def bulk_links(page: Page) -> list[str]:
    return [link for link in page.links() if link.startswith("/bulk/")]


def buttons(page: Page) -> set[str]:
    """What can be done to the run of a page."""
    return {i.removeprefix("do-") for i in page.ids() if i.startswith("do-")}


def failed_runs(lab: Lab, count: int, what: str = "non-retryable") -> list[str]:
    with lab.worker("steer"):
        runs = [lab.start("steer", {"what": what}) for _ in range(count)]
        for run_id in runs:
            assert lab.ended(run_id)["status"] == "failed"
    return runs


def statuses(lab: Lab, *run_ids: str) -> list[str]:
    return [lab.run(run_id)["status"] for run_id in run_ids]


# --- one run ------------------------------------------------------------------------------------------


def test_a_run_is_cancelled_with_a_reason(lab: Lab, dashboard: Dashboard) -> None:
    run_id = lab.start("chain", 1)
    assert "Cancel this run?" in dashboard.page(f"/runs/{run_id}/cancel").words
    answer = send(dashboard, f"/runs/{run_id}/cancel", f"/runs/{run_id}/cancel", reason="by <b>mistake</b>")
    words = said(dashboard, answer)
    assert "This run was cancelled." in words
    assert "Why it was cancelled by <b>mistake</b>" in words
    run = lab.run(run_id)
    assert (run["status"], run["cancel_reason"]) == ("cancelled", "by <b>mistake</b>")
    page = dashboard.page(f"/runs/{run_id}")
    assert nodes(page) == {"first, cancelled", "second, not run", "third, not run"}
    assert "cancelled" in dashboard.page(f"/runs/{run_id}/steps/first/0").words
    assert run_id in dashboard.ask("/runs?status=cancelled").text
    assert "by <b>mistake</b>" in dashboard.page("/runs").words
    assert "1 runs started in the last hour: 0 completed, 0 failed, 1 cancelled" in dashboard.ask(
        "/flows/chain"
    ).text.replace("&#39;", "'")
    again = send(dashboard, f"/runs/{run_id}", f"/runs/{run_id}/cancel")
    assert "Nothing was done: the run was cancelled before." in said(dashboard, again)
    assert dashboard.ask(f"/runs/{run_id}/cancel").status == 303, "there is nothing to ask any more"


def test_a_failed_run_is_retried(lab: Lab, dashboard: Dashboard) -> None:
    (run_id,) = failed_runs(lab, 1)
    words = said(dashboard, send(dashboard, f"/runs/{run_id}", f"/runs/{run_id}/retry"))
    assert "This run goes on" in words
    assert lab.run(run_id)["status"] == "started"
    again = send(dashboard, f"/runs/{run_id}", f"/runs/{run_id}/retry")
    assert "Nothing was done: the run has not ended." in said(dashboard, again)


def test_a_run_is_held_and_released(lab: Lab, dashboard: Dashboard) -> None:
    run_id = lab.start("chain", 1)
    words = said(dashboard, send(dashboard, f"/runs/{run_id}", f"/runs/{run_id}/hold"))
    assert "This run is held" in words
    assert "waits for the run's release" in words
    assert lab.run(run_id)["held_at"] is not None
    assert "held" in [text.strip() for text in dashboard.page("/runs").inner["span"]]
    for path in (f"/runs/{run_id}/steps/first", f"/runs/{run_id}/steps/first/0"):
        assert "waits for the run's release" in " ".join(dashboard.page(path).words.split())
    words = said(dashboard, send(dashboard, f"/runs/{run_id}", f"/runs/{run_id}/release"))
    assert "This run was released" in words
    assert "waits for the run's release" not in words
    assert lab.run(run_id)["held_at"] is None


def test_only_what_can_do_something_is_shown(lab: Lab, dashboard: Dashboard) -> None:
    always = {"fork", "start"}
    run_id = lab.start("steer", {"what": "non-retryable"})
    path = f"/runs/{run_id}"
    assert buttons(dashboard.page(path)) == {"cancel", "hold", *always}
    lab.sql("select * from pgflow.hold_runs(array[%s::uuid])", run_id)
    assert buttons(dashboard.page(path)) == {"cancel", "release", *always}
    lab.sql("select * from pgflow.cancel_runs(array[%s::uuid])", run_id)
    assert buttons(dashboard.page(path)) == {"retry", *always}
    (failed,) = failed_runs(lab, 1)
    assert buttons(dashboard.page(f"/runs/{failed}")) == {"retry", *always}
    with lab.worker("facts"):
        completed = lab.start("facts", {"label": "x"})
        lab.completed(completed)
    assert buttons(dashboard.page(f"/runs/{completed}")) == always


def test_a_run_is_forked_from_a_step(lab: Lab, dashboard: Dashboard) -> None:
    with lab.worker("chain"):
        run_id = lab.start("chain", 1)
        lab.completed(run_id)
    path = f"/runs/{run_id}/fork"
    answer = send(dashboard, path, path)
    assert (answer.status, "Choose a step." in answer.page.words) == (422, True)
    answer = send(dashboard, path, path, step="third")
    words = said(dashboard, answer)
    assert "This is the new run." in words
    assert f"Forked from {run_id[:13]}" in words
    fork = answer.headers["location"].removeprefix("/runs/").partition("?")[0]
    page = dashboard.page(f"/runs/{fork}")
    assert nodes(page) == {"first, taken over", "second, taken over", "third, queued"}
    assert "from the run it was forked from" in dashboard.page(f"/runs/{fork}/steps/first").words
    for fields, status in [
        ({"step": "odd"}, 409), ({"step": "first", "input": "{"}, 422),
        ({"step": "first", "input": '"x"'}, 422), ({"step": "third", "input": "7"}, 409),
        ({"step": "\0"}, 409),
    ]:  # fmt: skip
        refused = send(dashboard, path, path, **fields)
        assert refused.status == status, fields
        assert [d for d in refused.page.all("div") if d.get("role") == "alert"], fields
        assert refused.page.inner["textarea"] == [fields.get("input", "")], (
            "what was written must not be lost"
        )
    trail = dashboard.page(f"/runs/{run_id}")
    assert "from steps: third" in trail.words
    assert f"/runs/{fork}" in trail.links()
    whole = send(dashboard, path, path, step="first", input="7")
    fork = whole.headers["location"].removeprefix("/runs/").partition("?")[0]
    assert lab.run(fork)["input"] == 7


def test_a_run_is_started_again_with_its_input(lab: Lab, dashboard: Dashboard) -> None:
    value = {"folder": "/tmp", "name": 'n</textarea>"é'}
    run_id = lab.start("held", value)
    (address,) = [link for link in dashboard.page(f"/runs/{run_id}").links() if "like=" in link]
    page = dashboard.page(address)
    assert json.loads(page.inner["textarea"][0]) == value
    answer = send(dashboard, address, "/flows/held/start", input=page.inner["textarea"][0])
    other = answer.headers["location"].removeprefix("/runs/")
    assert other != run_id
    assert lab.run(other)["input"] == value
    for odd in ("x", str(uuid4())):
        assert dashboard.ask(f"/flows/held/start?like={odd}").status == 404


def test_an_action_on_a_run_that_is_not_there(lab: Lab, dashboard: Dashboard) -> None:
    run_id = lab.start("chain", 1)
    gone = uuid4()
    for action in ("cancel", "retry", "hold", "release"):
        assert send(dashboard, f"/runs/{run_id}", f"/runs/{gone}/{action}").status == 404
        assert send(dashboard, f"/runs/{run_id}", f"/runs/odd/{action}").status == 404
    assert dashboard.ask(f"/runs/{gone}/fork").status == 404
    assert dashboard.ask(f"/runs/{gone}/cancel").status == 404
    assert dashboard.ask(f"/runs/{run_id}?did=%3Cb%3Eodd").status == 200


# --- many runs ----------------------------------------------------------------------------------------


def test_all_failed_runs_of_a_list_are_retried(lab: Lab, dashboard: Dashboard) -> None:
    failed = failed_runs(lab, 3)
    other = lab.start("chain", 1)
    (address,) = bulk_links(dashboard.page("/runs?flow=steer&status=failed"))
    page, headers = forms_of(dashboard, address)
    assert "Retry 3 runs?" in page.words
    assert set(statuses(lab, *failed)) == {"failed"}, "the question changes nothing"
    answer = dashboard.ask("/bulk/retry", form={**fields_of(page), "spread": "0"}, headers=headers)
    assert "3 runs were retried." in said(dashboard, answer)
    assert statuses(lab, *failed, other) == ["started"] * 4
    assert "No run to retry" in dashboard.page(address).words
    again = dashboard.ask("/bulk/retry", form={**fields_of(page), "spread": "0"}, headers=headers)
    assert "0 runs were retried." in said(dashboard, again)


def test_all_running_runs_of_a_list_are_cancelled(lab: Lab, dashboard: Dashboard) -> None:
    runs = [lab.start("chain", n) for n in range(3)]
    others = [lab.start("facts", {"label": "x"}), lab.start("chain", 99)]
    query = urlencode({"flow": "chain", "status": "started", "span": "1h", "q": "[1]"})
    assert "No run to cancel" in dashboard.page(f"/bulk/cancel?{query}").words
    path = "/bulk/cancel?flow=chain&status=started&until=2120-01-01T00:00"
    page, headers = forms_of(dashboard, path)
    assert "Cancel 4 runs?" in page.words
    late = lab.start("chain", 5)
    form = {**fields_of(page), "reason": "all wrong"}
    lab.sql("select * from pgflow.cancel_runs(array[%s::uuid], 'by hand')", others[1])
    answer = dashboard.ask("/bulk/cancel", form=form, headers=headers)
    assert "3 runs were cancelled." in said(dashboard, answer)
    assert statuses(lab, *runs, *others) == ["cancelled"] * 3 + ["started", "cancelled"]
    assert lab.run(runs[0])["cancel_reason"] == "all wrong"
    assert lab.run(others[1])["cancel_reason"] == "by hand"
    assert lab.run(late)["status"] == "started", "what starts after the question is not meant"
    trail = " ".join(dashboard.page("/flows/chain").words.split())
    assert re.search(
        r"cancel, 3 runs \S+ 3 cancelled all wrong; .*started before 20\d\d-[0-9 :-]+ UTC", trail
    )
    assert "cancel, 3 runs" in dashboard.page(f"/runs/{runs[0]}").words


def test_runs_are_held_and_released_together(lab: Lab, dashboard: Dashboard) -> None:
    runs = [lab.start("chain", n) for n in range(2)]
    for action, done in (("hold", "held"), ("release", "released")):
        path = f"/bulk/{action}?flow=chain"
        answer = send(dashboard, path, f"/bulk/{action}")
        assert f"2 runs were {done}." in said(dashboard, answer)
        assert {lab.run(run_id)["held_at"] is not None for run_id in runs} == {action == "hold"}


def test_the_runs_of_an_error_are_retried_together(lab: Lab, dashboard: Dashboard) -> None:
    failed = failed_runs(lab, 2)
    others = failed_runs(lab, 1, what="always")
    addresses = bulk_links(dashboard.page("/errors"))
    assert len(addresses) == 2
    (address,) = [link for link in addresses if "never" in link]
    page, headers = forms_of(dashboard, address)
    assert "Retry 2 runs?" in page.words
    answer = dashboard.ask("/bulk/retry", form={**fields_of(page), "spread": "0"}, headers=headers)
    assert answer.headers["location"].startswith("/errors?")
    assert "2 runs were retried." in said(dashboard, answer)
    assert statuses(lab, *failed, *others) == ["started", "started", "failed"]


def test_failed_runs_without_a_message_are_retried_together(lab: Lab, dashboard: Dashboard) -> None:
    failed = failed_runs(lab, 3)
    lab.sql("update pgflow.runs set error_message = null where run_id <> %s", failed[0])
    (address,) = [link for link in bulk_links(dashboard.page("/errors")) if "error=&" in link]
    answer = send(dashboard, address, "/bulk/retry")
    assert "2 runs were retried." in said(dashboard, answer)
    assert statuses(lab, *failed) == ["failed", "started", "started"]


def test_many_runs_are_changed_part_by_part(lab: Lab, dashboard: Dashboard) -> None:
    lab.sql("select from pgflow.start_flows('chain', array_fill('1'::jsonb, array[2500]))")
    ids = [str(r["run_id"]) for r in lab.sql("select run_id from pgflow.runs order by run_id")]
    page, headers = forms_of(dashboard, "/bulk/cancel?flow=chain")
    form = {**fields_of(page), "changed": "1200", "after_id": ids[1199]}
    assert "1 300 runs" not in page.words
    answer = dashboard.ask("/bulk/cancel", form=form, headers=headers)
    assert "2 500 runs were cancelled." in said(dashboard, answer).replace("\u2009", " ").replace("\xa0", " ")
    counts = lab.sql("select status, count(*)::int as n from pgflow.runs group by status")
    assert {row["status"]: row["n"] for row in counts} == {"cancelled": 1300, "started": 1200}


async def test_a_request_does_not_go_on_for_ever(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes longer is done by the next, which the page sends by itself."""
    monkeypatch.setattr(bulk, "SECONDS", 0.0)
    lab.sql("select from pgflow.start_flows('chain', array_fill('1'::jsonb, array[2500]))")
    options = DashboardOptions(allow_control=True)
    app, _ = make_app(lab.dsn, find_project(lab.project.root), options)
    client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost")
    async with app.router.lifespan_context(app), client:
        page = Page((await client.get("/bulk/hold?flow=chain")).text)
        for changed in ("1 000 of 2 500 runs held", "2 000 of 2 500 runs held"):
            answer = await client.post("/bulk/hold", data=fields_of(page))
            assert answer.status_code == 200
            page = Page(answer.text)
            assert changed in " ".join(page.words.split())
            assert [a for a in page.all("script") if "go_on.js" in a["src"]]
            assert page.all("progress")[0]["max"] == "2500"
        answer = await client.post("/bulk/hold", data=fields_of(page))
        assert answer.status_code == 303
        assert "did=held&runs=2500" in answer.headers["location"]
    (row,) = lab.sql("select count(*)::int as n from pgflow.runs where held_at is not null")
    assert row["n"] == 2500


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("", "Choose which runs first"),
        ("q=some+text", "search by JSON"),
        ("q=0123abcd", "search by JSON"),
        ("status=failed&error=x", "Choose a flow and a time"),
        ("flow=chain&error=x", "Choose a flow and a time"),
        ("flow=chain&status=odd", "There is no status"),
        ("flow=chain&step=%00", "There is no such step"),
    ],
)
def test_a_choice_that_is_too_wide_is_refused_with_words(
    shared_control: Dashboard, query: str, sentence: str
) -> None:
    answer = shared_control.ask(f"/bulk/retry?{query}")
    assert (answer.status, sentence in answer.page.words) == (400, True), answer.page.words


def test_a_list_that_cannot_be_acted_on_says_why(shared_lab: Lab, shared_control: Dashboard) -> None:
    run_id = shared_lab.start("facts", {"label": "Findable"})
    page = shared_control.page("/runs?q=findable")
    assert "search by JSON" in page.words
    assert bulk_links(page) + bulk_links(shared_control.page("/runs")) == []
    links = bulk_links(shared_control.page("/runs?status=started"))
    assert [re.match(r"/bulk/(\w+)", link)[1] for link in links] == ["cancel", "hold", "release"]  # type: ignore[index]
    done = "update pgflow.runs set status = 'completed', completed_at = now(), remaining_steps = 0"
    shared_lab.sql(f"{done} where run_id = %s", run_id)
    page = shared_control.page("/runs?status=completed")
    assert run_id in page.words
    assert bulk_links(page) == []
    assert not [nav for nav in page.all("nav") if nav.get("class") == "all"]


@pytest.mark.parametrize(
    ("field", "value", "status"),
    [
        ("filter", "{", 400), ("filter", "[1]", 400), ("filter", "{}", 400), ("filter", "[" * 3_000, 400),
        ("filter", '{"odd": 1}', 409), ("filter", '{"flow": 7}', 409), ("after_id", "x", 400),
        ("spread", "x", 400), ("spread", "-1", 400), ("spread", "nan", 400), ("spread", "1e9", 400),
        ("changed", "-1", 400), ("total", "x", 400), ("query", "status=odd", 400), ("reason", "\0", 303),
    ],
)  # fmt: skip
def test_a_form_that_no_page_of_ours_sends(
    shared_lab: Lab, shared_control: Dashboard, field: str, value: str, status: int
) -> None:
    page, headers = forms_of(shared_control, f"/runs/{shared_lab.start('chain', 1)}")
    fields = {"filter": '{"flow": "tight"}', "query": "flow=tight", "total": "1", "spread": "0"}
    form = {**fields, "key": fields_of(page)["key"], field: value}
    answer = shared_control.ask("/bulk/release", form=form, headers=headers)
    assert answer.status == status, answer.page.words


# --- flows --------------------------------------------------------------------------------------------


def test_a_flow_is_paused_and_resumed(lab: Lab, dashboard: Dashboard) -> None:
    run_id = lab.start("chain", 1)
    words = said(dashboard, send(dashboard, "/flows/chain", "/flows/chain/pause"))
    assert "This flow is paused" in words
    assert "Resume" in words
    assert "paused" in dashboard.page("/flows").words
    assert "is paused: no task of it is begun" in dashboard.page(f"/runs/{run_id}").words
    again = send(dashboard, "/flows/chain", "/flows/chain/pause")
    assert "Nothing was done: the flow was paused already." in said(dashboard, again)
    words = said(dashboard, send(dashboard, "/flows/chain", "/flows/chain/resume"))
    assert "This flow was resumed." in words
    assert "paused" not in dashboard.page("/flows").words
    again = send(dashboard, "/flows/chain", "/flows/chain/resume")
    assert "Nothing was done: the flow was not paused." in said(dashboard, again)
    trail = " ".join(dashboard.page("/flows/chain").words.split())
    assert re.search(r"resume \S+ nothing to do .* resume \S+ done .* pause \S+ nothing to do", trail)
    assert send(dashboard, "/flows/chain", "/flows/odd/pause").status == 404


# --- the trail ----------------------------------------------------------------------------------------


def test_the_trail_says_who_did_what(lab: Lab) -> None:
    run_id = lab.start("chain", 1)
    lab.sql("select * from pgflow.hold_runs(array[%s::uuid], null)", run_id)
    with running(lab.project, lab.dsn, lab.folder, "--allow-control", "--token", TOKEN) as dashboard:
        answer = dashboard.ask("/login", form={"token": TOKEN, "name": " Ann <b>\0\u202eé  "})
        session = "; ".join(f"{name}={value}" for name, value in answer.cookies.items())
        page, headers = forms_of(dashboard, f"/runs/{run_id}", Cookie=session)
        form = {"key": fields_of(page)["key"], "reason": "enough"}
        answer = dashboard.ask(f"/runs/{run_id}/cancel", form=form, headers=headers)
        words = " ".join(dashboard.ask(answer.headers["location"], headers=headers).page.words.split())
        assert re.search(r"cancel Ann <b>é cancelled enough just now hold \S+ held just now", words), words
        (row,) = lab.sql("select actor, session_role from pgflow.actions where action = 'cancel'")
        assert row["actor"] == "Ann <b>é"
        # a name cannot be put into a cookie
        until, number, _, signature = answer_parts(session)
        forged = f"pgflow_dashboard={until}.{number}.Ym9i.{signature}"
        assert dashboard.ask("/runs", headers={"Cookie": forged}).status == 303


def answer_parts(session: str) -> list[str]:
    return session.partition("pgflow_dashboard=")[2].partition(";")[0].split(".")


# --- who may ------------------------------------------------------------------------------------------


def orders(run_id: str) -> list[str]:
    """Where every form that acts is sent to."""
    actions = ("cancel", "retry", "hold", "release")
    return [
        *(f"/runs/{run_id}/{action}" for action in (*actions, "fork")),
        *(f"/bulk/{action}" for action in actions),
        "/flows/chain/pause",
        "/flows/chain/resume",
    ]


def state_of(lab: Lab) -> list[dict[str, Any]]:
    return lab.sql("select run_id, status, held_at from pgflow.runs order by run_id") + lab.sql(
        "select flow_slug from pgflow.prepared_flows where is_paused"
    )


@pytest.mark.parametrize("options", [[], ["--allow-start"]])
def test_nothing_can_be_done_without_the_option(lab: Lab, options: list[str]) -> None:
    run_id = lab.start("chain", 1)
    (failed,) = failed_runs(lab, 1)
    before = state_of(lab)
    with running(lab.project, lab.dsn, lab.folder, *options) as dashboard:
        for path in (f"/runs/{run_id}", f"/runs/{failed}", "/flows/chain", "/runs?status=failed", "/errors"):
            page = dashboard.page(path)
            assert not buttons(page) - {"start"}, path
            assert bulk_links(page) == []
            assert not [f for f in page.all("form") if f.get("method") == "post"]
        for path in (f"/runs/{run_id}/fork", f"/runs/{run_id}/cancel", "/bulk/retry?flow=steer"):
            assert dashboard.ask(path).status == 404, path
        for path in orders(run_id):
            assert dashboard.ask(path, form={"key": "x"}).status == 404, path
    assert state_of(lab) == before


def test_orders_from_elsewhere_do_nothing(lab: Lab, dashboard: Dashboard) -> None:
    run_id = lab.start("chain", 1)
    before = state_of(lab)
    page, headers = forms_of(dashboard, f"/runs/{run_id}")
    other, _ = forms_of(dashboard, f"/runs/{run_id}")
    key, other_key = fields_of(page)["key"], fields_of(other)["key"]
    fields = {"filter": '{"flow": "chain"}', "query": "flow=chain", "total": "1", "step": "first"}
    for path in orders(run_id):
        assert dashboard.ask(path, form={**fields, "key": key}).status == 403, f"{path}: no cookie"
        assert dashboard.ask(path, form=fields, headers=headers).status == 403, f"{path}: no key"
        wrong = {**fields, "key": other_key}
        assert dashboard.ask(path, form=wrong, headers=headers).status == 403, f"{path}: another's key"
        for name, value in (("Origin", "http://evil.example"), ("Sec-Fetch-Site", "cross-site")):
            sent = {**headers, name: value}
            assert dashboard.ask(path, form={**fields, "key": key}, headers=sent).status == 403, path
        sent = {**headers, "Host": "evil.example"}
        assert dashboard.ask(path, form={**fields, "key": key}, headers=sent).status == 421, path
        assert dashboard.ask(path, method="DELETE").status == 405
    large = {"key": key, "reason": "x" * 30_000}
    assert dashboard.ask(f"/runs/{run_id}/cancel", form=large, headers=headers).status == 413
    assert state_of(lab) == before
    assert lab.sql("select * from pgflow.actions") == []


def test_a_page_opened_from_elsewhere_leaves_the_forms_of_others_usable(dashboard: Dashboard) -> None:
    """Its cookie comes along with such a link, and never with a form of another site."""
    cookie = dashboard.ask("/flows/chain").headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    answer = dashboard.ask("/flows/chain", headers={"Cookie": "pgflow_forms=" + "x" * 40})
    assert "set-cookie" not in answer.headers, "the key stays that of the pages that are open"


def test_nothing_can_be_done_without_the_token(lab: Lab) -> None:
    run_id = lab.start("chain", 1)
    before = state_of(lab)
    with running(lab.project, lab.dsn, lab.folder, "--allow-control", "--token", TOKEN) as dashboard:
        for path in orders(run_id):
            assert dashboard.ask(path, form={"key": "x"}).status == 401, path
    assert state_of(lab) == before


def test_a_user_who_is_only_a_client_is_told_so(lab: Lab, own_roles: None, shown_project: Project) -> None:
    shown_project.ok("migrate", "--roles", "--dsn", lab.dsn)
    run_id = lab.start("chain", 1)
    (failed,) = failed_runs(lab, 1)
    name = f"only_client_{uuid4().hex[:12]}"
    with psycopg.connect(lab.dsn, autocommit=True) as connection:
        who = sql.Identifier(name)
        connection.execute(sql.SQL("create role {} login in role pgflow_client").format(who))
    try:
        dsn = make_conninfo(lab.dsn, user=name)
        with running(lab.project, dsn, lab.folder, "--allow-control") as dashboard:
            for path in (f"/runs/{failed}/retry", f"/runs/{run_id}/hold"):
                answer = send(dashboard, path.rpartition("/")[0], path)
                assert answer.status == 403
                assert "may not do this" in answer.page.words
                assert "pgflow_operator" in answer.page.words
            answer = send(dashboard, "/flows/chain", "/flows/chain/pause")
            assert (answer.status, "may not do this" in answer.page.words) == (403, True)
            answer = send(dashboard, f"/runs/{run_id}/fork", f"/runs/{run_id}/fork", step="first")
            assert (answer.status, "may not do this" in answer.page.words) == (403, True)
            answer = dashboard.ask("/bulk/retry?flow=steer")
            assert (answer.status, "may not do this" in answer.page.words) == (403, True)
            answer = send(dashboard, f"/runs/{run_id}/cancel", f"/runs/{run_id}/cancel")
            assert "This run was cancelled." in said(dashboard, answer), "a client may cancel"
    finally:
        with psycopg.connect(lab.dsn, autocommit=True) as connection:
            connection.execute(sql.SQL("drop role {}").format(sql.Identifier(name)))


def test_it_acts_as_the_operators_role(lab: Lab, own_roles: None, shown_project: Project) -> None:
    shown_project.ok("migrate", "--roles", "--dsn", lab.dsn)
    (failed,) = failed_runs(lab, 1)
    with running(lab.project, lab.dsn, lab.folder, "--allow-control") as dashboard:
        lab.sql("revoke execute on function pgflow.retry_runs from pgflow_operator")
        answer = send(dashboard, f"/runs/{failed}", f"/runs/{failed}/retry")
        assert (answer.status, "permission denied" in answer.page.words) == (403, True)
        lab.sql("grant execute on function pgflow.retry_runs to pgflow_operator")
        words = said(dashboard, send(dashboard, f"/runs/{failed}", f"/runs/{failed}/retry"))
        assert "This run goes on" in words
        assert "may not act as" not in dashboard.log


def test_help_names_the_option(shared_lab: Lab) -> None:
    assert "--allow-control" in shared_lab.project.run("dashboard", "--help").stdout
