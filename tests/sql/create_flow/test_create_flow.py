"""Flows are created, and what we refuse that pgflow takes (specification/core.md, "Definitions")."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.core import Core


def queues(core: Core) -> list[str]:
    return [row.queue_name for row in core.rows("select queue_name from pgmq.list_queues() order by 1")]


def test_creates_row_and_queue(core: Core) -> None:
    row = core.create_flow("my_flow")
    assert row.flow_slug == "my_flow"
    assert (row.opt_max_attempts, row.opt_base_delay, row.opt_timeout) == (3, 5, 60)
    assert core.row("select * from pgflow.flows") == row
    assert queues(core) == ["my_flow"]
    assert core.queue("my_flow") == []


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"max_attempts": 7}, (7, 5, 60)),
        ({"base_delay": 0}, (3, 0, 60)),
        ({"timeout": 1}, (3, 5, 1)),
        ({"max_attempts": 0, "base_delay": 2, "timeout": 9}, (0, 2, 9)),
        ({"max_attempts": None, "base_delay": None, "timeout": None}, (3, 5, 60)),
    ],
)
def test_options(core: Core, options: dict[str, Any], expected: tuple[int, int, int]) -> None:
    row = core.create_flow("f", **options)
    assert (row.opt_max_attempts, row.opt_base_delay, row.opt_timeout) == expected


def test_positional_arguments(core: Core) -> None:
    row = core.row("select * from pgflow.create_flow('f', 1, 2, 3)")
    assert (row.opt_max_attempts, row.opt_base_delay, row.opt_timeout) == (1, 2, 3)


def test_untyped_null_arguments_resolve(core: Core) -> None:
    assert core.row("select * from pgflow.create_flow('f', null, null, null)").opt_timeout == 60


def test_existing_flow_stays_as_it_is(core: Core) -> None:
    first = core.create_flow("f", max_attempts=9, timeout=8)
    assert core.create_flow("f", max_attempts=1, base_delay=1, timeout=1) == first
    assert core.value("select count(*) from pgflow.flows") == 1
    assert queues(core) == ["f"]


def test_a_missing_queue_is_created(core: Core) -> None:
    core.create_flow("f")
    core.run_sql("select pgmq.drop_queue('f')")
    core.create_flow("f")
    assert queues(core) == ["f"]


def test_messages_survive_a_second_call(core: Core) -> None:
    core.flow("f", "a")
    core.start_flow("f")
    core.create_flow("f")
    assert len(core.queue("f")) == 1


@pytest.mark.parametrize("slug", ["", "1a", "a-b", "run", "a b"])
def test_invalid_slugs(core: Core, slug: str) -> None:
    message = 'new row for relation "flows" violates check constraint "slug_is_valid"'
    with core.refused(message, sqlstate="23514"):
        core.create_flow(slug)
    assert queues(core) == []


@pytest.mark.parametrize("option", [{"max_attempts": -1}, {"base_delay": -1}, {"timeout": 0}])
def test_invalid_options(core: Core, option: dict[str, int]) -> None:
    with core.refused(sqlstate="23514"):
        core.create_flow("f", **option)
    assert queues(core) == []


def test_the_longest_slug_a_queue_can_have(core: Core) -> None:
    slug = "x" * 47
    core.flow(slug, "a")
    core.start_flow(slug)
    assert len(core.queue(slug)) == 1


def test_slugs_too_long_for_a_queue(core: Core) -> None:
    with core.refused(sqlstate="PF004"):
        core.create_flow("x" * 48)


def test_slugs_that_differ_in_case_only(core: Core) -> None:
    core.create_flow("Crawl")
    with core.refused(sqlstate="PF004"):
        core.create_flow("cRAWL")
    assert core.create_flow("Crawl").flow_slug == "Crawl"


def test_a_flow_with_capitals_works(core: Core) -> None:
    core.flow("MyFlow", "a")
    run = core.start_flow("MyFlow", {"x": 1})
    (message,) = core.queue("MyFlow")
    assert message.message["flow_slug"] == "MyFlow"
    core.work("MyFlow", 5)
    assert core.run(run.run_id).output == {"a": 5}
    assert core.queue("MyFlow") == []


def test_retry_strategy(core: Core) -> None:
    row = core.create_flow("f", backoff="fixed", max_delay=30)
    assert (row.opt_backoff, row.opt_max_delay) == ("fixed", 30)
    row = core.create_flow("g")
    assert (row.opt_backoff, row.opt_max_delay) == (None, None)
    with core.refused(sqlstate="23514"):
        core.create_flow("h", backoff="linear")
