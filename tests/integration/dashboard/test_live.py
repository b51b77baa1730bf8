"""The stream of a run's changes, and an end in good order."""

from __future__ import annotations

import http.client
import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.support.dashboard import Dashboard
from tests.support.wait import eventually
from tests.support.worker_lab import Lab


class Stream:
    """A browser's EventSource."""

    def __init__(self, dashboard: Dashboard, run_id: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", dashboard.port, timeout=60)
        self._connection.request("GET", f"/runs/{run_id}/events", headers={"Host": "localhost"})
        self.response = self._connection.getresponse()

    def messages(self) -> Iterator[tuple[str, dict[str, object]]]:
        """(event, data) until the stream ends."""
        event = ""
        while line := self.response.readline().decode():
            name, _, value = line.strip().partition(": ")
            if name == "event":
                event = value
            elif name == "data":
                yield event, json.loads(value)

    def close(self) -> None:
        self._connection.close()


@contextmanager
def streaming(dashboard: Dashboard, run_id: str) -> Iterator[Stream]:
    stream = Stream(dashboard, run_id)
    try:
        yield stream
    finally:
        stream.close()


def test_a_run_is_told_of_from_beginning_to_end(lab: Lab, dashboard: Dashboard) -> None:
    run_id = lab.start("patient", {"folder": str(lab.folder), "name": "p"})
    with streaming(dashboard, run_id) as stream:
        assert stream.response.headers["content-type"].startswith("text/event-stream")
        messages = stream.messages()
        assert next(messages)[0] == "change"
        assert f'data-live="/runs/{run_id}/live"' in dashboard.ask(f"/runs/{run_id}").text
        with lab.worker("patient"):
            lab.begun("p.begun.1")
            lab.let_go("p.go")
            found = list(messages)
    told = [text for event, data in found if event == "change" for text in data["news"]]  # type: ignore[attr-defined]
    assert told[-1] == "The run completed."
    assert "Step wait completed." in told
    assert found[-1][0] == "end"
    assert "data-live" not in dashboard.ask(f"/runs/{run_id}").text
    assert "completed" in dashboard.page(f"/runs/{run_id}/live").words


def test_of_a_run_that_has_ended_only_the_end(lab: Lab, dashboard: Dashboard) -> None:
    with lab.worker("chain"):
        run_id = lab.start("chain", 1)
        lab.completed(run_id)
    with streaming(dashboard, run_id) as stream:
        assert [event for event, _ in stream.messages()] == ["change", "end"]


def test_streams_share_a_watcher_and_leave_nothing_behind(lab: Lab, dashboard: Dashboard) -> None:
    run_id = lab.start("chain", 1)
    streams = [Stream(dashboard, run_id) for _ in range(5)]
    for stream in streams:
        next(stream.messages())

    def watchers() -> int:
        channel = f"pgflow_run_{run_id.replace('-', '')}"
        rows = lab.sql("select count(*) as n from pgflow.announcements where channel = %s", channel)
        return int(rows[0]["n"])

    eventually(lambda: watchers() == 1)
    for stream in streams:
        stream.close()
    eventually(lambda: watchers() == 0)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_in_good_order_while_somebody_looks(
    lab: Lab, dashboard: Dashboard, number: signal.Signals
) -> None:
    run_id = lab.start("chain", 1)
    with streaming(dashboard, run_id) as stream:
        messages = stream.messages()
        next(messages)
        assert dashboard.stop(number) == 0
        assert "end" not in [event for event, _ in messages], "the run goes on, the browser must come back"
    rows = lab.sql(
        "select count(*) as n from pg_stat_activity where application_name = 'pgflow-gen'"
        " and datname = current_database() and pid <> pg_backend_pid()"
    )
    assert rows == [{"n": 0}]
    assert lab.sql("select count(*) as n from pgflow.announcements") == [{"n": 0}]
