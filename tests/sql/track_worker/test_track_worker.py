"""`track_worker`: workers that are asked to start somewhere else than among the platform's functions."""

from __future__ import annotations

import pytest

from tests.support.core import Core


def test_a_new_one_and_one_that_has_moved(core: Core) -> None:
    core.run_sql("select pgflow.track_worker(function_name => 'fn', url => 'http://10.0.0.7:8080/fn')")
    first = core.row("select * from pgflow.worker_functions")
    assert (first.function_name, first.enabled, first.url) == ("fn", True, "http://10.0.0.7:8080/fn")
    core.run_sql("update pgflow.worker_functions set enabled = false, debounce = '9 seconds'")
    core.run_sql("select pgflow.track_worker('fn', 'https://workers.example/fn')")
    second = core.row("select * from pgflow.worker_functions")
    assert (second.url, second.enabled, str(second.debounce)) == (
        "https://workers.example/fn", False, "0:00:09",
    )  # fmt: skip
    assert second.updated_at > first.updated_at


@pytest.mark.parametrize("url", ["fn", "ftp://host/fn", "http://", "http:// host/fn", ""])
def test_what_is_no_address(core: Core, url: str) -> None:
    with core.refused():
        core.run_sql("select pgflow.track_worker('fn', %s)", url)
