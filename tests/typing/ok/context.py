"""The context's surface, as handlers and their unit tests see it."""

from collections.abc import Mapping
from typing import Any, assert_type
from uuid import UUID

from psycopg import AsyncConnection, Connection

from pgflow_runtime import Context, JsonValue, WorkerConfig
from pgflow_runtime.dsl.context import Shutdown, StepTask


def sync_handler(ctx: Context) -> int:
    assert_type(ctx.conn(), Connection[Any])
    assert_type(ctx.env, Mapping[str, str])
    assert_type(ctx.shutdown, Shutdown)
    assert_type(ctx.step_task, StepTask)
    assert_type(ctx.step_task.run_id, UUID)
    assert_type(ctx.raw_message, Mapping[str, JsonValue])
    assert_type(ctx.worker_config, WorkerConfig)
    assert_type(ctx.worker_config.max_concurrent, int)
    ctx.log.info("attempt %s", ctx.step_task.attempt)
    return ctx.step_task.attempt


async def async_handler(ctx: Context) -> None:
    assert_type(await ctx.aconn(), AsyncConnection[Any])
    await ctx.aflow_input()
    await ctx.shutdown.wait_async()


sync_handler(Context.for_test(attempt=2, flow_input={"urls": []}))
