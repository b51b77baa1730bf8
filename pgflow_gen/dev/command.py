"""``pgflow-gen dev``: everything a developer needs running, in one terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pgflow_command.options import common_options
from pgflow_gen.cli.options import verify_option
from pgflow_gen.cli.output import load_project, refusals
from pgflow_shared.text import listed

if TYPE_CHECKING:
    from pgflow_gen.dev.screen import Screen
    from pgflow_gen.dev.session import DevSession
    from pgflow_gen.dev.signals import Ending


@click.command(
    epilog="""\
\b
Examples:
  pgflow-gen dev                       in a project; 'pgflow-gen init' makes one
  pgflow-gen start FLOW JSON --wait    meanwhile, in another terminal"""
)
@click.option(
    "--dsn",
    metavar="DSN",
    help="Use this database instead of the embedded server. Flows are recreated there only if it is marked"
    " as one for development.",
)
@click.option(
    "--development",
    is_flag=True,
    help="With --dsn: mark that database as one for development. Changed flows are deleted there with their"
    " runs and made anew.",
)
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    help="The dashboard's port on 127.0.0.1. Default: 8642, or any free one.",
)
@click.option(
    "--dashboard/--no-dashboard", default=True, show_default=True, help="Serve the dashboard, if installed."
)
@click.option(
    "--adopt-data",
    is_flag=True,
    help="Take over the embedded server's data although it was not made here; says whose it is and where.",
)
@verify_option
@common_options
def dev(
    dsn: str | None, development: bool, port: int | None, dashboard: bool, adopt_data: bool, verify: bool
) -> None:
    """Build, migrate and work while you write: after each change of a source, until Ctrl-C.

    Starts the project's embedded server, whatever PGFLOW_DSN or DATABASE_URL say. After a change the flows
    are built; if they are in order, changed flows are made anew in the database (with the loss of their
    runs there) and the worker starts again with the new code. If not, the findings are shown and everything
    goes on as it was. Ctrl-C ends all that it started.
    """
    from pgflow_gen.cli.watch import require_watchable
    from pgflow_gen.dev.alone import only_one
    from pgflow_gen.dev.page import DashboardProcess
    from pgflow_gen.dev.screen import Screen
    from pgflow_gen.dev.server import Server
    from pgflow_gen.dev.session import DevSession
    from pgflow_gen.dev.signals import Ending

    if development and dsn is None:
        raise click.UsageError(
            "--development goes with --dsn: the embedded server is for development anyway."
        )
    if adopt_data and dsn is not None:
        raise click.UsageError("--adopt-data is about the embedded server's data; --dsn names another.")
    config = load_project()
    require_watchable(config)
    screen = Screen()
    with only_one(config.root):
        ending = Ending()
        server = Server(config.root, dsn, development=development, adopt_data=adopt_data, screen=screen)
        page = DashboardProcess(port, server, screen, is_wanted=dashboard)
        session = DevSession(server, page, screen, lambda: ending.is_near, verify=verify)
        ending.hurry = session.kill
        screen.say("dev", f"{config.root}; Ctrl-C ends it")
        try:
            server.start()
            _loop(session, screen, ending)
        finally:
            screen.gap()
            screen.say("dev", "stopping")
            session.stop()
            screen.say("dev", "stopped")


def _loop(session: DevSession, screen: Screen, ending: Ending) -> None:
    """Turn after turn until the end is asked for."""
    from pgflow_gen.cli.watch import INTERVAL, Sources

    sources = Sources(load_project)
    _turn(session, screen, ending)
    while not ending.wait(INTERVAL):
        session.look_after()
        changed = sources.changes()
        if not changed:
            continue
        screen.gap()
        screen.say("dev", f"changed: {listed(changed)}")
        _turn(session, screen, ending)


def _turn(session: DevSession, screen: Screen, ending: Ending) -> None:
    """One turn; nothing that is wrong with the project, or with us, ends the whole."""
    wrong = _attempt(session)
    if wrong is not None and not ending.is_near:  # Ctrl-C reaches mypy as well, which then fails
        screen.say("build", wrong)


def _attempt(session: DevSession) -> str | None:
    """What went wrong beyond findings."""
    try:
        with refusals():
            session.turn(load_project())
    except click.ClickException as error:
        return f"Error: {error.format_message()}"
    except OSError as error:
        return f"Error: {error}"
    except Exception as error:
        return f"Internal error: {type(error).__name__}: {error} (`pgflow-gen build --debug` tells more)"
    return None
