"""What only the preset's context has, the plain one has not; elements are checked behind either."""

from pgflow_runtime import Context as PlainContext
from pgflow_runtime.supabase import Context, Flow

letters = Flow[list[str]]("letters")


@letters.step
def keep(flow_input: list[str], ctx: PlainContext) -> None:
    ctx.supabase.table("letters")  # E


@letters.step
def other(flow_input: list[str], ctx: Context) -> None:
    ctx.supabase.tabel("letters")  # E


@letters.map  # E
def write(ctx: Context, name: int) -> int:
    return name
