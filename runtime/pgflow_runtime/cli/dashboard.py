"""``pgflow-gen dashboard``: runs, flows, workers and queues in the browser."""

from __future__ import annotations

import click

from pgflow_runtime.cli.common import (
    database,
    dsn_option,
    generated_option,
    read_dsn_option,
    refusals,
    replica,
    say,
)
from pgflow_runtime.errors import UsageError
from pgflow_runtime.project import find_project
from pgflow_shared.distribution import extra

EXTRA = ("starlette", "uvicorn", "jinja2", "markupsafe", "anyio", "h11")


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, metavar="ADDRESS", help="Where to listen.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8642, show_default=True, help="0 for any free port."
)
@click.option(
    "--token",
    envvar="PGFLOW_DASHBOARD_TOKEN",
    show_envvar=True,
    metavar="TEXT",
    help="Ask for this token. Needed to listen where other machines can reach it. The variable keeps it"
    " out of the list of processes.",
)
@click.option(
    "--allowed-host",
    "allowed_hosts",
    multiple=True,
    metavar="NAME",
    help="A name, beside localhost and addresses, under which browsers may ask. May be repeated.",
)
@click.option("--allow-start", is_flag=True, help="Let people start runs. Without it they can only look.")
@click.option(
    "--allow-control",
    is_flag=True,
    help="Let people start, cancel, retry, fork and hold runs, and pause flows. It takes the role"
    " pgflow_operator where the database has roles.",
)
@dsn_option
@read_dsn_option
@generated_option
def dashboard(
    host: str,
    port: int,
    token: str | None,
    allowed_hosts: tuple[str, ...],
    allow_start: bool,
    allow_control: bool,
    dsn: str | None,
    read_dsn: str | None,
    generated: str | None,
) -> None:
    """Show runs, flows, workers and queues on a web page, until Ctrl-C.

    It reads with the rights of pgflow_client where the database has roles, and acts on runs and flows with
    those of pgflow_operator. The types of flows come from the project's generated files. With --read-dsn all
    pages are read from a replica, and say how far it is behind.
    """
    with refusals():
        try:
            from pgflow_runtime.dashboard import DashboardOptions, serve
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] not in EXTRA:
                raise
            raise UsageError(
                f"the dashboard is an extra that is not installed ({error.name} is missing)",
                help=extra("dashboard"),
            ) from None
        options = DashboardOptions(host, port, token or None, allow_start, allowed_hosts, allow_control)
        project = find_project(generated=generated)
        read = replica(read_dsn, dsn)
        with database(dsn, project) as conninfo:
            serve(conninfo, project, options, say, read)
