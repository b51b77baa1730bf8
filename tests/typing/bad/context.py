"""The context is frozen where it should be, and misspelt attributes are seen."""

from pgflow_runtime import Context, Flow, NonRetryable, RetryAfter

flow = Flow[str]("flow")


@flow.step
def handler(flow_input: str, ctx: Context) -> int:
    ctx.worker_config.max_concurrent = 3  # E
    ctx.step_task.attempt = 2  # E
    ctx.env["HOME"] = "/"  # E
    ctx.logger.info("x")  # E
    ctx.aconn().execute("select 1")  # E
    raise RetryAfter("soon")  # E


def other(ctx: Context) -> None:
    raise NonRetryable(3)  # E
