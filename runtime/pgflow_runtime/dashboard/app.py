"""The dashboard as a Starlette application: routes, and what happens when a page cannot be had."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from pgflow_runtime.dashboard.access.guard import HEADERS, Guard, too_many
from pgflow_runtime.dashboard.access.session import Sessions, TooManyAttempts
from pgflow_runtime.dashboard.options import DashboardOptions
from pgflow_runtime.dashboard.orders.actions import ACTIONS
from pgflow_runtime.dashboard.orders.control import Control
from pgflow_runtime.dashboard.pages import (
    answer,
    bulk,
    errors,
    fleet,
    flow,
    flow_control,
    fork,
    login,
    run,
    run_control,
    runs,
    schedules,
    start,
    step,
    waiting,
)
from pgflow_runtime.dashboard.reading.flows import Flows
from pgflow_runtime.dashboard.reading.live import Live
from pgflow_runtime.dashboard.reading.reader import Reader, prepared_conninfo
from pgflow_runtime.dashboard.reading.replica import Replica, check_before_reading
from pgflow_runtime.dashboard.web import Site, lag_of, page
from pgflow_runtime.database.dsn import ReadDsn, describe
from pgflow_runtime.database.queries import PAUSE_SCHEDULE, RESUME_SCHEDULE
from pgflow_runtime.errors import DatabaseError, PgflowError
from pgflow_runtime.migrate.roles import CLIENT, OPERATOR
from pgflow_runtime.project import Project

_SCHEDULE = "/schedules/{flow}/{schedule}"


def make_app(
    conninfo: str, project: Project, options: DashboardOptions, read: ReadDsn | None = None
) -> tuple[Starlette, list[str]]:
    """The application, and notes for the user's eyes. Raises what is in the way of reading the database.

    ``read`` names a replica, from which pages are read; what people do goes to ``conninfo`` all the same.
    """
    replica: Replica | None = None
    notes: list[str] = []
    if read is not None:
        replica, notes = check_before_reading(conninfo, read, needs_primary=options.may_start)

    def prepared(conninfo: str, *roles: str) -> str:
        made, more = prepared_conninfo(conninfo, *roles)
        notes.extend(note for note in more if note not in notes)
        return made

    reading = prepared(conninfo if read is None else read.conninfo, CLIENT)
    starting = reading if read is None or not options.may_start else prepared(conninfo, CLIENT)
    control = Control(prepared(conninfo, OPERATOR, CLIENT)) if options.allow_control else None
    reader = Reader(reading, replica)
    sessions = Sessions(options.token)
    site = Site(
        options=options,
        project=project,
        conninfo=starting,
        reader=reader,
        live=Live(reading, poll_only=replica is not None),  # a standby notifies nobody
        flows=Flows(reader, project.schemas),
        sessions=sessions,
        control=control,
        where=describe(conninfo),
        replica=replica,
    )

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        await reader.open()
        await site.live.open()
        try:
            yield
        finally:
            await site.live.close()
            await reader.close()

    app = Starlette(
        routes=_routes(options),
        middleware=[Middleware(Guard, sessions=sessions, allowed_hosts=_hosts(options))],
        exception_handlers={
            HTTPException: _refused,
            PgflowError: _failed,
            TooManyAttempts: too_many,
            Exception: _broken,
        },
        lifespan=lifespan,
    )
    app.state.site = site
    return app, notes


def _routes(options: DashboardOptions) -> list[Route]:
    routes = [
        Route("/", _home),
        Route("/runs", runs.show),
        Route("/runs/{run_id}", run.show),
        Route("/runs/{run_id}/live", run.show_live),
        Route("/runs/{run_id}/events", run.events),
        Route("/runs/{run_id}/values/{kind}.json", run.value),
        Route("/runs/{run_id}/steps/{step}", step.show),
        Route("/runs/{run_id}/steps/{step}/output.json", step.output),
        Route("/runs/{run_id}/steps/{step}/{index:int}", step.show_task),
        Route("/errors", errors.show),
        Route("/flows", flow.show_all),
        Route("/flows/{flow}", flow.show),
        Route("/waiting", waiting.show),
        Route("/schedules", schedules.show),
        Route("/workers", fleet.workers),
        Route("/queues", fleet.queues),
        Route("/login", login.show, methods=["GET"]),
        Route("/login", login.sign_in, methods=["POST"]),
        Route("/logout", login.sign_out, methods=["POST"]),
        Route("/static/{name}", _Files(packages=[("pgflow_runtime.dashboard", "static")])),
    ]
    if options.may_start:
        routes += [
            Route("/flows/{flow}/start", start.show, methods=["GET"]),
            Route("/flows/{flow}/start", start.submit, methods=["POST"]),
        ]
    if options.allow_control:
        routes += [
            Route("/runs/{run_id}/cancel", run_control.ask_cancel, methods=["GET"]),
            Route("/runs/{run_id}/fork", fork.ask, methods=["GET"]),
            Route("/runs/{run_id}/fork", fork.submit, methods=["POST"]),
            Route("/flows/{flow}/pause", flow_control.pause, methods=["POST"]),
            Route("/flows/{flow}/resume", flow_control.resume, methods=["POST"]),
            Route("/runs/{run_id}/steps/{step}/send", answer.ask, methods=["GET"]),
            Route("/runs/{run_id}/steps/{step}/send", answer.submit, methods=["POST"]),
            Route(f"{_SCHEDULE}/pause", schedules.submit_of(PAUSE_SCHEDULE, "paused"), methods=["POST"]),
            Route(f"{_SCHEDULE}/resume", schedules.submit_of(RESUME_SCHEDULE, "resumed"), methods=["POST"]),
            Route(f"{_SCHEDULE}/fire", schedules.fire, methods=["POST"]),
            Route("/bulk/{action}", bulk.ask, methods=["GET"]),
            Route("/bulk/{action}", bulk.submit, methods=["POST"]),
        ]
        routes += [
            Route(f"/runs/{{run_id}}/{action.name}", run_control.submit_of(action), methods=["POST"])
            for action in ACTIONS.values()
        ]
    return routes


class _Files(StaticFiles):
    """The style sheet and scripts: their addresses change with their content."""

    def get_path(self, scope: Scope) -> str:
        return str(scope["path_params"]["name"])

    def file_response(self, *args: object, **kwargs: object) -> Response:
        response = super().file_response(*args, **kwargs)  # type: ignore[arg-type]
        response.headers["cache-control"] = "public, max-age=3600"
        return response


def _hosts(options: DashboardOptions) -> tuple[str, ...]:
    return (*options.allowed_hosts, options.host)


async def _home(_: Request) -> Response:
    return RedirectResponse("/runs", 303)


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    words = {404: "There is nothing here.", 405: "This cannot be done here."}
    message = error.detail if error.detail not in ("Not Found", "Method Not Allowed") else ""
    values = {"title": "Not found" if error.status_code == 404 else "Not possible", "help": None}
    values["message"] = message or words.get(error.status_code, "This is not possible.")
    if error.status_code == 404:
        values["help"] = lag_of(request)
    answer = page(request, "error.html", values, error.status_code)
    answer.headers.update(error.headers or {})
    return answer


async def _failed(request: Request, error: Exception) -> Response:
    assert isinstance(error, PgflowError)
    values = {"title": "The database did not answer", "message": error.message, "help": error.help}
    if isinstance(error, DatabaseError) and error.sqlstate == "57014":
        values["message"] = "Reading this took too long, so it was given up."
    return page(request, "error.html", values, 503)


async def _broken(_: Request, error: Exception) -> Response:
    """A bug: the log has the traceback. The answer does not pass the guard and brings its headers along."""
    text = f"Something is wrong in the dashboard ({type(error).__name__}); its log says more.\n"
    return PlainTextResponse(text, 500, headers=HEADERS)
