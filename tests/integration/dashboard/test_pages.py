"""What the pages show of a real database."""

from __future__ import annotations

import re
import socket
from pathlib import Path
from urllib.parse import urlencode
from uuid import uuid4

import pytest

from tests.support.dashboard import Answer, Dashboard, Page, running
from tests.support.project import Project
from tests.support.server import Server
from tests.support.worker_lab import Lab

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'; drop table pgflow.runs; --",
    "{{ 7 * 7 }}",
    "</pre></textarea><svg onload=alert(1)>",
    "\u202e\u2028 &lt;b&gt; ]]>",
)


def run_ids(page: Page) -> list[str]:
    """The runs listed, from top to bottom."""
    return [link.removeprefix("/runs/") for link in page.links() if re.match(r"/runs/[0-9a-f-]{36}$", link)]


def next_page(page: Page) -> str | None:
    return next((a["href"] for a in page.all("a") if a.get("rel") == "next"), None)


def start_many(lab: Lab, flow: str, count: int) -> list[str]:
    rows = lab.sql(
        "select run_id from pgflow.start_flows(%s, array_fill('1'::jsonb, array[%s]))", flow, count
    )
    return sorted((str(row["run_id"]) for row in rows), reverse=True)


def test_an_empty_database_says_what_to_do(lab: Lab, dashboard: Dashboard) -> None:
    assert "pgflow-gen start" in dashboard.page("/runs").words
    assert "pgflow-gen worker" in dashboard.page("/workers").words
    lab.sql("select pgflow.delete_flow_and_data(flow_slug) from pgflow.flows")
    assert "pgflow-gen migrate" in dashboard.page("/flows").words
    assert dashboard.ask("/").headers["location"] == "/runs"


def test_runs_page_by_page(lab: Lab, dashboard: Dashboard) -> None:
    wanted = start_many(lab, "chain", 120)
    seen: list[str] = []
    path: str | None = "/runs"
    while path:
        page = dashboard.page(path)
        seen += run_ids(page)
        path = next_page(page)
    assert seen == wanted


def test_runs_by_flow_status_and_time(lab: Lab, dashboard: Dashboard) -> None:
    chain, fan = lab.start("chain", 1), lab.start("fan", 2)
    lab.sql("update pgflow.runs set status = 'failed', failed_at = now() where run_id = %s", fan)
    assert run_ids(dashboard.page("/runs?flow=chain")) == [chain]
    assert run_ids(dashboard.page("/runs?status=failed")) == [fan]
    assert run_ids(dashboard.page("/runs?status=started")) == [chain]
    assert run_ids(dashboard.page("/runs?status=completed")) == []
    assert run_ids(dashboard.page("/runs?span=1h&flow=fan")) == [fan]
    assert run_ids(dashboard.page("/runs?until=2020-01-01T00:00")) == []
    assert run_ids(dashboard.page("/runs?since=2020-01-01T00:00&until=2120-01-01T00:00")) == [fan, chain]
    selected = [o for o in dashboard.page("/runs?flow=chain").all("option") if "selected" in o]
    assert len(selected) == 1


@pytest.mark.parametrize(
    "query",
    [
        "status=odd",
        "span=1y",
        "since=yesterday",
        "before=x",
        "before=2026-01-01_x",
        "flow=%00",
        "since=0001-01-01T00:00%2B14:00",
    ],
)
def test_a_filter_that_no_form_sends(shared_dashboard: Dashboard, query: str) -> None:
    answer = shared_dashboard.ask(f"/runs?{query}")
    assert answer.status == 400
    assert "Not possible" in answer.page.words


def test_a_run_that_completed(lab: Lab, dashboard: Dashboard) -> None:
    with lab.worker("fan"):
        run_id = lab.start("fan", 4)
        lab.completed(run_id)
    page = dashboard.page(f"/runs/{run_id}")
    assert "completed" in page.words
    nodes = [a for a in page.all("a") if "node" in a.get("class", "")]
    assert {node["aria-label"] for node in nodes} == {
        "numbers, completed", "square, completed", "shift, completed", "sum, completed",
    }  # fmt: skip
    edges = [g for g in page.all("g") if "edge is-completed" in g.get("class", "")]
    assert len(edges) == 6  # three, in each of the two pictures
    assert len(page.all("rect")) > 8
    assert any("sum" in text for text in page.inner["pre"])
    assert not any("data-live" in attributes for _, attributes in page.elements)


def test_a_step_and_a_task_of_a_map(lab: Lab, dashboard: Dashboard) -> None:
    with lab.worker("fan"):
        run_id = lab.start("fan", 5)
        lab.completed(run_id)
    page = dashboard.page(f"/runs/{run_id}/steps/square")
    cells = [a for a in page.all("a") if "cell" in a.get("class", "")]
    assert [cell["aria-label"] for cell in cells] == [f"Task {n}, completed" for n in range(5)]
    assert "flows.lab:square" in page.words
    assert page.inner["pre"] == ["[0, 1, 2, null, 4]", "[0, 1, 4, 5, 16]"]
    task = dashboard.page(f"/runs/{run_id}/steps/square/4")
    assert task.inner["pre"] == ["4", "16"]
    whole = dashboard.ask(f"/runs/{run_id}/steps/square/output.json")
    assert (whole.json, whole.headers["content-type"]) == ([0, 1, 4, 5, 16], "application/json")
    assert "attachment" in whole.headers["content-disposition"]
    assert dashboard.ask(f"/runs/{run_id}/values/output.json").json == {"sum": 36}


def test_a_large_map_in_pieces(lab: Lab, dashboard: Dashboard) -> None:
    with lab.worker("fan"):
        run_id = lab.start("fan", 2500)
        lab.completed(run_id)
    indexes: list[int] = []
    path: str | None = f"/runs/{run_id}/steps/square"
    while path:
        page = dashboard.page(path)
        indexes += [int(i.removeprefix("task-")) for i in page.ids() if re.fullmatch(r"task-\d+", i)]
        following = next_page(page)
        path = f"/runs/{run_id}/steps/square{following}" if following else None
    assert indexes == list(range(2500))
    words = " ".join(dashboard.page(f"/runs/{run_id}").words.split())
    assert "4 976 more tasks are not drawn" in words
    assert re.search(r"Of square the first 12 of 2\s500 are", words)


def test_a_value_that_is_too_large_is_offered_for_download(lab: Lab, dashboard: Dashboard) -> None:
    text = "".join(str(uuid4()) for _ in range(10_000))  # does not compress well
    run_id = lab.start("facts", {"label": text})
    page = dashboard.page(f"/runs/{run_id}")
    assert text[:50] not in page.words
    assert "Too large to show" in page.words
    assert dashboard.ask(f"/runs/{run_id}/values/input.json").json == {"label": text}


def test_why_a_run_failed(lab: Lab, dashboard: Dashboard) -> None:
    with lab.worker("steer"):
        run_id = lab.start("steer", {"what": "non-retryable"})
        lab.ended(run_id)
    page = dashboard.page(f"/runs/{run_id}")
    assert "NonRetryable: never mind" in page.words
    assert any("lab.py" in text for text in page.inner["pre"])
    assert "NonRetryable: never mind" in dashboard.page(f"/runs/{run_id}/steps/obey").words
    assert "NonRetryable: never mind" in dashboard.page("/runs?status=failed").words


def test_runs_by_id_or_by_what_is_in_their_input(lab: Lab, dashboard: Dashboard) -> None:
    runs = [lab.start("facts", {"label": label}) for label in ("Ann", "bob", "b%b")]
    assert run_ids(dashboard.page("/runs?q=ann")) == [runs[0]]
    assert run_ids(dashboard.page("/runs?" + urlencode({"q": '{"label": "bob"}'}))) == [runs[1]]
    assert run_ids(dashboard.page("/runs?q=b%25b")) == [runs[2]]
    assert run_ids(dashboard.page("/runs?q=nobody")) == []
    assert set(run_ids(dashboard.page(f"/runs?q={runs[0][:8]}"))) >= {runs[0]}
    assert dashboard.ask(f"/runs?q={runs[1].upper()}").headers["location"] == f"/runs/{runs[1]}"
    assert run_ids(dashboard.page(f"/runs?q={uuid4()}")) == []
    assert run_ids(dashboard.page("/runs?q=ann&flow=fan")) == []
    field = next(i for i in dashboard.page("/runs?q=%22%3E%3Cb%3E").all("input") if i.get("name") == "q")
    assert field["value"] == '"><b>'
    assert dashboard.ask("/runs?q=" + "x" * 1001).status == 400
    assert dashboard.ask("/runs?q=%00").status == 400


def test_errors_are_grouped_and_lead_to_their_runs(lab: Lab, dashboard: Dashboard) -> None:
    assert "No run has failed" in dashboard.page("/errors").words
    with lab.worker("steer"):
        runs = [lab.start("steer", {"what": what}) for what in ("always", "always", "non-retryable")]
        for run_id in runs:
            lab.ended(run_id)
    page = dashboard.page("/errors")
    words = " ".join(page.words.split())
    assert re.search(r"ValueError: attempt 2 steer , obey 2", words)
    assert re.search(r"NonRetryable: never mind steer , obey 1", words)
    address = next(link for link in page.links() if "attempt" in link)
    assert set(run_ids(dashboard.page(address))) == set(runs[:2])
    assert "No run has failed" in dashboard.page("/errors?flow=chain").words
    assert dashboard.ask("/errors?span=odd").status == 400
    assert "100 %" in dashboard.page("/flows").words
    assert "100 %" in dashboard.page("/flows/steer").words


def test_the_errors_of_all_attempts_and_none_of_them_red_on_a_task_that_completed(
    lab: Lab, dashboard: Dashboard
) -> None:
    with lab.worker("steer"):
        late, bad = lab.start("steer", {"what": "late success"}), lab.start("steer", {"what": "always"})
        lab.completed(late)
        lab.ended(bad)
    page = dashboard.page(f"/runs/{late}/steps/obey")
    assert "Attempt 1 failed and was tried again" in page.words
    assert "ValueError: not yet" in page.words
    assert not [item for item in page.all("section") if "failure" in item.get("class", "")]
    for path in (f"/runs/{bad}/steps/obey", f"/runs/{bad}/steps/obey/0"):
        words = " ".join(dashboard.page(path).words.split())
        assert words.index("Attempt 2 failed") < words.index("Attempt 1 failed and was tried again")
        assert "ValueError: attempt 1" in words
        assert "ValueError: attempt 2" in words


def test_a_long_message_is_clamped_and_there_as_a_whole(lab: Lab, dashboard: Dashboard) -> None:
    with lab.worker("steer"):
        run_id = lab.start("steer", {"what": "huge"})
        lab.ended(run_id)
    page = dashboard.page(f"/runs/{run_id}")
    (summary,) = [text for text in page.inner["summary"] if "Show all" in text]
    assert re.fullmatch(r"Show all 10\s240 characters", summary)
    assert max(len(text) for text in page.inner["pre"]) == 10_240
    assert max(len(text) for text in page.inner["p"]) <= 1_500
    assert max(len(text) for text in page.inner["td"]) <= 300


def test_what_was_under_way_when_the_run_failed_has_ended(lab: Lab, dashboard: Dashboard) -> None:
    with lab.worker("siblings"):
        run_id = lab.start("siblings", {"folder": str(lab.folder), "name": "s"})
        lab.ended(run_id)
        first = dashboard.page(f"/runs/{run_id}")
        labels = {a["aria-label"] for a in first.all("a") if "node" in a.get("class", "")}
        assert labels == {"busy, cancelled", "doomed, failed", "never, not run"}
        assert "cancelled" in dashboard.page(f"/runs/{run_id}/steps/busy/0").words
        assert [r for r in first.all("rect") if r.get("class") == "bar is-cancelled"]
        assert not [r for r in first.all("rect") if r.get("class") == "bar is-started"]
        took = [text for text in first.inner["text"] if text.endswith((" ms", " s"))]
        assert took == [
            text for text in dashboard.page(f"/runs/{run_id}").inner["text"] if text.endswith((" ms", " s"))
        ]
        lab.let_go("s.go")


def test_a_task_that_polls_is_not_shown_as_a_failure(lab: Lab, dashboard: Dashboard) -> None:
    with lab.worker("poll") as worker:
        run_id = lab.start("poll", 3)
        worker.until_logged("asked to run again")
    for path in (f"/runs/{run_id}", f"/runs/{run_id}/steps/ask", f"/runs/{run_id}/steps/ask/0"):
        page = dashboard.page(path)
        assert "polling" in page.words
        assert "failed" not in page.words.replace("failed", "", 1)  # the legend of the timeline
        assert not [item for item in page.all("section") if "failure" in item.get("class", "")]
    assert "again  in 2 days" in dashboard.page(f"/runs/{run_id}/steps/ask/0").words


def test_tasks_of_a_map_by_what_became_of_them(lab: Lab, dashboard: Dashboard) -> None:
    with lab.worker("fan"):
        run_id = lab.start("fan", 120)
        lab.completed(run_id)
    lab.sql(
        "update pgflow.step_tasks set status = 'failed', failed_at = completed_at, completed_at = null,"
        " attempts_count = 3, error_message = 'bad' where step_slug = 'square' and task_index % 40 = 7"
    )
    lab.sql(
        "update pgflow.step_tasks set completed_at = completed_at + interval '1 h'"
        " where step_slug = 'square' and task_index = 99"
    )
    path = f"/runs/{run_id}/steps/square"

    def chosen(query: str) -> list[str]:
        rows = [
            text for text in dashboard.page(f"{path}?{query}").inner.get("th", []) if text.strip().isdigit()
        ]
        return [text.strip() for text in rows]

    assert chosen("those=failed") == ["7", "47", "87"]
    assert chosen("those=retried") == ["7", "47", "87"]
    assert chosen("those=polling") == []
    slowest = chosen("those=slowest")
    assert (slowest[0], len(slowest)) == ("99", 50)
    following = next_page(dashboard.page(f"{path}?those=slowest"))
    assert following == "?those=slowest&first=50"
    assert not set(slowest) & set(chosen(following.removeprefix("?")))
    assert dashboard.ask(f"{path}?those=odd").status == 400


def test_flows_with_types_and_figures(lab: Lab, dashboard: Dashboard) -> None:
    with lab.worker("held", "chain"):
        lab.completed(lab.start("chain", 1))
        words = dashboard.page("/flows").words
        assert "chain" in words
        page = dashboard.page("/flows/held")
    assert "Held" in page.words
    assert "optional" in page.words
    assert len([svg for svg in page.all("svg") if svg.get("class") == "plot"]) == 2
    figures = dashboard.page("/flows/chain?span=1d")
    assert len([r for r in figures.all("rect") if r.get("class") == "fill is-completed"]) == 1


def test_workers_and_queues(lab: Lab, dashboard: Dashboard) -> None:
    lab.start("patient", {"folder": "x", "name": "y"})
    assert re.search(r"patient\s+1\s+1\s+0\s+0", " ".join(dashboard.page("/queues").words.split()))
    with lab.worker("chain", name="box-1") as worker:
        words = dashboard.page("/workers").words
        assert "working" in words
        assert "box-1" in words
        assert re.search(
            rf"box-1\s+{re.escape(socket.gethostname())}\s+{worker.process.pid}\s+\d+\s",
            " ".join(words.split()),
        )
        assert "quiet" not in words
        lab.sql(
            "insert into pgflow.workers (worker_id, queue_name, function_name, last_heartbeat_at) values"
            " (gen_random_uuid(), 'chain', 'theirs', now() - interval '5 minutes') returning 1"
        )
        assert re.search(r"quiet\s+chain\s+theirs", " ".join(dashboard.page("/workers").words.split()))
        lab.sql("delete from pgflow.workers where function_name = 'theirs' returning 1")
        assert worker.stop() == 0
    assert "Nobody is at work" in dashboard.page("/workers").words


@pytest.mark.parametrize(
    "path",
    [
        "/nothing", "/runs/x", "/runs/00000000-0000-0000-0000-000000000000", "/flows/nothing", "/flows/a%00b",
        "/flows/%3Cscript%3E", "/runs/{run}/steps/nothing", "/runs/{run}/steps/%00", "/static/nothing",
        "/runs/{run}/steps/first/7", "/runs/{run}/steps/first/99999999999999999999", "/static/..%2fapp.py",
        "/runs/{run}/values/other.json", "/runs/{run}/steps/second/output.json", "/flows/nothing/start",
    ],
)  # fmt: skip
def test_what_is_not_there(shared_lab: Lab, shared_dashboard: Dashboard, path: str) -> None:
    answer = shared_dashboard.ask(path.format(run=shared_lab.start("chain", 1)))
    assert answer.status == 404
    assert "script" not in answer.page.words.lower()


def test_nothing_hostile_becomes_markup(lab: Lab, dashboard: Dashboard) -> None:
    for text in HOSTILE:
        run_id = lab.start("steer", {"what": text, text: [text, {text: None}]})
        lab.sql(
            "update pgflow.step_tasks set status = 'failed', failed_at = now(), error_message = %s"
            " where run_id = %s",
            f"{text}\n{text}", run_id,
        )  # fmt: skip
        lab.sql(
            "update pgflow.step_states set status = 'failed', failed_at = now(), error_message = %s"
            " where run_id = %s",
            f"{text}\n{text}", run_id,
        )  # fmt: skip
        lab.sql(
            "update pgflow.runs set status = 'failed', failed_at = now(), error_message = %s"
            " where run_id = %s",
            f"{text}\n{text}", run_id,
        )  # fmt: skip
        lab.sql("select pgflow.register_worker(gen_random_uuid(), %s, %s)", text, text)
        for path in (f"/runs/{run_id}", f"/runs/{run_id}/steps/obey", f"/runs/{run_id}/steps/obey/0"):
            page = dashboard.page(path)
            assert_own(page)
            assert " ".join(text.split()) in " ".join(page.words.split()).replace(" ", " ")
    for path in ("/runs", "/workers", "/queues", "/flows"):
        assert_own(dashboard.page(path))
    assert_own(dashboard.page("/runs?flow=%3Cscript%3Ealert(1)%3C%2Fscript%3E"))


def assert_own(page: Page) -> None:
    """Only scripts and styles of our own files, nothing inline, nothing from elsewhere."""
    assert all(a.get("src", "").startswith("/static/") for a in page.all("script"))
    assert not page.all("style")
    assert not page.all("img")
    assert not page.all("iframe")
    for tag, attributes in page.elements:
        assert "style" not in attributes, tag
        assert not [name for name in attributes if name.startswith("on")], (tag, attributes)
        for name in ("href", "src", "action"):
            if value := attributes.get(name):
                assert value[0] in "/#?", (tag, value)
                assert not value.startswith("//"), (tag, value)


@pytest.mark.parametrize(
    "path", ["/runs", "/flows", "/flows/held", "/flows/held/start", "/workers", "/queues"]
)
def test_pages_are_whole_and_usable(shared_lab: Lab, shared_dashboard: Dashboard, path: str) -> None:
    shared_lab.start("chain", 1)
    answer = shared_dashboard.ask(path)
    assert_whole(answer)
    assert_own(answer.page)


def assert_whole(answer: Answer) -> None:
    """Elements closed, ids unique, fields labelled, tables named, one heading and one main part."""
    page = answer.page
    assert page.open == []
    assert len(page.ids()) == len(set(page.ids()))
    assert len(page.all("h1")) == 1
    assert len(page.all("main")) == 1
    assert page.elements[0] == ("html", {"lang": "en"})
    assert len(page.all("caption")) == len(page.all("table"))
    assert all("scope" in th for th in page.all("th"))
    known = set(page.ids())
    for tag, attributes in page.elements:
        for name in ("aria-labelledby", "aria-describedby", "for"):
            assert not attributes.get(name) or attributes[name] in known, (tag, attributes)


def test_the_run_page_is_whole(lab: Lab, dashboard: Dashboard) -> None:
    with lab.worker("fan"):
        run_id = lab.start("fan", 3)
        lab.completed(run_id)
    for path in (f"/runs/{run_id}", f"/runs/{run_id}/steps/square", f"/runs/{run_id}/steps/square/0"):
        assert_whole(dashboard.ask(path))


def test_without_the_projects_types(
    lab: Lab, tmp_path_factory: pytest.TempPathFactory, postgres_server: Server
) -> None:
    elsewhere = Project.make(tmp_path_factory.mktemp("elsewhere"), {})
    with running(elsewhere, lab.dsn, lab.folder, "--allow-start") as dashboard:
        assert "not in this project" in dashboard.page("/flows/chain").words
        answer = dashboard.ask("/flows/chain/start")
        assert answer.status == 404
        assert "--generated" in answer.page.words
    generated = str(lab.project.root / "generated")
    with running(elsewhere, lab.dsn, lab.folder, "--generated", generated) as dashboard:
        assert "not in this project" not in dashboard.page("/flows/chain").words


def test_a_database_that_goes_away(lab: Lab, dashboard: Dashboard, postgres_server: Server) -> None:
    dashboard.page("/runs")
    postgres_server.drop_database(lab.dsn)
    answer = dashboard.ask("/runs")
    assert answer.status == 503
    assert "did not answer" in answer.page.words
    assert "Traceback" not in answer.text


def test_the_files_of_the_package_are_served(shared_dashboard: Dashboard) -> None:
    page = shared_dashboard.page("/runs")
    files = [a["href"] for a in page.all("link")] + [a["src"] for a in page.all("script")]
    for path in files:
        answer = shared_dashboard.ask(path)
        assert answer.status == 200, path
        assert "max-age" in answer.headers["cache-control"]
        assert "http://" not in answer.text.replace("http://www.w3.org/", "")
        assert "https://" not in answer.text
    folder = Path(__file__).parents[3] / "runtime" / "pgflow_runtime" / "dashboard" / "static"
    assert {path.partition("?")[0].removeprefix("/static/") for path in files} <= {
        file.name for file in folder.iterdir()
    }
