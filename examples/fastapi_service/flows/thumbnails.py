"""Make thumbnails of the pictures of an album."""

import hashlib

from albums import Album, Index, Thumbnail
from pgflow_runtime import Context, Flow, NonRetryable

thumbnails = Flow[Album]("thumbnails", max_attempts=3, timeout=30)


@thumbnails.array
async def pictures(flow_input: Album) -> list[str]:
    return sorted(set(flow_input.pictures))


@thumbnails.map(array=pictures)
async def shrink(picture: str, ctx: Context) -> Thumbnail:
    if not picture.endswith((".jpg", ".png")):
        raise NonRetryable(f"{picture} is not a picture")
    ctx.log.info("shrinking %s", picture)
    return Thumbnail(picture=picture, digest=hashlib.sha256(picture.encode()).hexdigest()[:12])


@thumbnails.step
async def index(flow_input: Album, shrink: list[Thumbnail]) -> Index:
    return Index(title=flow_input.title, thumbnails=shrink)
