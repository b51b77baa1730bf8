"""Flows of the preset for Supabase: their context has its clients, and maps take it as the plain one."""

from typing import Any, assert_type

from psycopg import Connection
from supabase import AsyncClient, Client

from pgflow_runtime import Context as PlainContext
from pgflow_runtime.supabase import Context, Flow

letters = Flow[list[str]]("letters")


@letters.map
def write(ctx: Context, name: str) -> str:
    assert_type(ctx.supabase, Client)
    assert_type(ctx.sql, Connection[Any])
    return name


@letters.map
async def send(name: str, ctx: Context) -> int:
    assert_type(ctx.asupabase, AsyncClient)
    return len(name)


@letters.map(array=write)
def count(ctx: PlainContext, name: str) -> int:
    return ctx.step_task.attempt + len(name)


assert_type(write(Context.for_test(supabase=None), "a"), str)
