"""The context's own behaviour: shutdown reaches threads and coroutines, test contexts say what they lack."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta

import pytest

from pgflow_runtime import Context, NonRetryable, PgflowError, RetryAfter, WorkerConfig
from pgflow_runtime.dsl.context import Shutdown
from pgflow_runtime.errors import UsageError


async def test_shutdown_wakes_a_thread_and_a_coroutine() -> None:
    shutdown = Shutdown()
    waiting = asyncio.create_task(shutdown.wait_async())
    blocked = asyncio.create_task(asyncio.to_thread(shutdown.wait, 30))
    await asyncio.sleep(0)
    assert not shutdown.is_set()
    await asyncio.to_thread(shutdown.set)
    await asyncio.wait_for(waiting, 30)
    assert await blocked is True
    await shutdown.wait_async()


def test_a_test_context_names_what_was_not_given() -> None:
    with pytest.raises(UsageError, match=r"for_test\(conn="):
        Context.for_test().conn()


async def test_a_test_context_names_the_async_connection_too() -> None:
    ctx = Context.for_test(flow_input={"a": 1})
    assert await ctx.aflow_input() == {"a": 1}
    with pytest.raises(UsageError, match=r"for_test\(aconn="):
        await ctx.aconn()


def test_log_lines_carry_the_ids_of_the_task(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="pgflow.handler"):
        Context.for_test(attempt=2).log.info("reading %s", "page", extra={"size": 3})
    (record,) = caplog.records
    assert record.getMessage() == "reading page"
    assert record.__dict__["size"] == 3
    assert record.__dict__["pgflow"]["attempt"] == 2
    assert record.__dict__["pgflow"]["step"] == "test"


def test_the_raw_message_has_the_contracts_four_keys() -> None:
    assert list(Context.for_test().raw_message) == ["flow_slug", "run_id", "step_slug", "task_index"]


@pytest.mark.parametrize(
    ("given", "seconds"),
    [(0, 0), (1.2, 2), (timedelta(minutes=1), 60), (timedelta(days=3), 259_200), (31_536_000, 31_536_000)],
)
def test_retry_after_counts_whole_seconds_up_to_a_year(given: float | timedelta, seconds: int) -> None:
    assert RetryAfter(given).seconds == seconds


@pytest.mark.parametrize("given", [-1, float("nan"), float("inf"), timedelta(seconds=-1)])
def test_retry_after_refuses_what_is_no_time(given: float | timedelta) -> None:
    with pytest.raises(ValueError, match="seconds from now"):
        RetryAfter(given)


@pytest.mark.parametrize("given", [31_536_000.5, 10**300, timedelta(days=366), timedelta.max])
def test_retry_after_refuses_more_than_a_year(given: float | timedelta) -> None:
    with pytest.raises(ValueError, match="a year at most"):
        RetryAfter(given)


def test_steering_exceptions_say_something_without_a_message() -> None:
    assert "Trying again would not help" in str(NonRetryable())
    assert str(RetryAfter(3, "busy")) == "busy"
    assert isinstance(RetryAfter(3), PgflowError)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"max_concurrent": 0}, "max_concurrent is 0; the least is 1"),
        ({"batch_size": True}, "batch_size is an integer, not True"),
        ({"max_poll_seconds": "2"}, "max_poll_seconds is a number, not '2'"),
        ({"max_poll_seconds": float("nan")}, "max_poll_seconds is nan"),
        ({"poll_only": 1}, "poll_only is true or false, not 1"),
        ({"log_format": "xml"}, "log_format is 'xml'; it is one of text, json"),
        ({"name": None}, "name is a text, not None"),
    ],
)
def test_a_worker_option_that_does_not_fit_is_refused(options: dict[str, object], text: str) -> None:
    with pytest.raises(UsageError) as caught:
        WorkerConfig(**options)  # type: ignore[arg-type]
    assert text in str(caught.value)


def test_worker_options_have_defaults_and_limits() -> None:
    config = WorkerConfig(max_concurrent=7)
    assert (config.max_concurrent, config.handler_connections, config.visibility_timeout) == (7, 7, 2)
    assert config.name
    assert WorkerConfig(max_handler_connections=2).handler_connections == 2
