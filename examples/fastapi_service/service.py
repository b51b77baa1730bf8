"""A web service that starts runs and shows them. It imports no handler: models and ``generated/`` only."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.responses import StreamingResponse

from albums import Album
from generated.client import AsyncClient
from generated.thumbnails import AsyncThumbnailsRun
from pgflow_runtime.errors import ConnectionFailed, InvalidInput, RunNotFound


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """One client, and so one pool of connections, for the service's whole life."""
    async with AsyncClient.connect() as client:
        app.state.client = client
        yield


app = FastAPI(title="Thumbnails", lifespan=lifespan)


def get_client(request: Request) -> AsyncClient:
    client: AsyncClient = request.app.state.client
    return client


ClientOf = Annotated[AsyncClient, Depends(get_client)]


async def get_run(run_id: UUID, client: ClientOf) -> AsyncThumbnailsRun:
    try:
        return await client.get_thumbnails(run_id)
    except RunNotFound as error:
        raise HTTPException(404, str(error)) from error


RunOf = Annotated[AsyncThumbnailsRun, Depends(get_run)]


@app.post("/albums", status_code=202)
async def start(album: Album, client: ClientOf) -> dict[str, str]:
    """Answer at once; the work goes on in the workers."""
    try:
        run = await client.start_thumbnails(album)
    except InvalidInput as error:
        raise HTTPException(422, str(error)) from error
    except ConnectionFailed as error:
        raise HTTPException(503, "the database is away") from error
    return {"run_id": str(run.run_id), "status": f"/albums/{run.run_id}"}


@app.get("/albums/{run_id}")
async def show(run: RunOf) -> dict[str, Any]:
    return {"status": run.status, "output": run.output, "error": run.error_message}


@app.get("/albums/{run_id}/events")
async def follow(run: RunOf) -> StreamingResponse:
    """Server-sent events, from the run's first to its last, however late somebody asks."""

    async def lines() -> AsyncIterator[str]:
        async for event in run.events():
            data = {"event": event.event_type, "step": getattr(event, "step_slug", None)}
            yield f"data: {json.dumps(data)}\n\n"

    return StreamingResponse(lines(), media_type="text/event-stream")
