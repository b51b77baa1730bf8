from typing import Annotated, Optional

import pgflow_runtime.supabase as preset
from pgflow_runtime import Context, Flow

plain = Flow[list[str]]("plain")
special = preset.Flow[list[str]]("special")


@plain.step
def one(flow_input: list[str], ctx: preset.Context) -> int:
    return len(flow_input)


@plain.map
def two(ctx: "Annotated[preset.Context, 1]", url: str) -> str:
    return url


@plain.map
def three(ctx: Optional[preset.Context], url: str) -> str:
    return url


@special.step
def four(flow_input: list[str], ctx: Context) -> int:
    return len(flow_input)


@special.map
def five(ctx: preset.Context, url: str) -> str:
    return url
