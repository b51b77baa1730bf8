"""What `init --supabase` leaves behind: a flow of the preset, what its database has to allow, variables."""

from __future__ import annotations

from pgflow_gen.cli.init.scaffold import ProjectKind
from pgflow_shared.project import SECTION

_CONFIGURATION = f"""\
[{SECTION}]
flows = ["flows"]
src = ["."]
out = "generated"
migrations = "supabase/migrations"
style = "supabase"
roles = true
"""
_FLOW = '''\
"""Greet people: the flow that `pgflow-gen init --supabase` leaves behind, to be changed."""

from typing import TypedDict

from pgflow_runtime.supabase import Context, Flow


class GreetingInput(TypedDict):
    names: list[str]


class Letter(TypedDict):
    to: str
    text: str


greeting = Flow[GreetingInput]("greeting", max_attempts=3)


@greeting.array
def people(flow_input: GreetingInput) -> list[str]:
    """Everybody once, in the order given."""
    names = [name.strip() for name in flow_input["names"]]
    return list(dict.fromkeys(name for name in names if name))


@greeting.map(array=people)
async def write(name: str) -> Letter:
    """One letter; each is a task of its own, retried by itself."""
    return {"to": name, "text": f"Dear {name}, welcome!"}


@greeting.step
def keep(write: list[Letter], ctx: Context) -> int:
    """Store the letters by Supabase's API; how many there are."""
    if write:
        rows = [{"to": letter["to"], "text": letter["text"]} for letter in write]
        ctx.supabase.table("letters").insert(rows).execute()
    return len(write)
'''
_TEST = '''\
"""Handlers are plain functions, a whole flow runs in memory, and a client of Supabase may be any object."""

import asyncio
from unittest.mock import MagicMock

from pgflow_runtime.supabase import Context
from pgflow_runtime.testing import run_flow

from flows.greeting import Letter, greeting, keep, people


def test_people_are_listed_once() -> None:
    assert people({"names": ["Ada", " Ada", "", "Grace"]}) == ["Ada", "Grace"]


def test_letters_are_kept() -> None:
    client = MagicMock()
    letters: list[Letter] = [{"to": "Ada", "text": "Dear Ada"}]
    assert keep(letters, Context.for_test(supabase=client)) == 1
    client.table.assert_called_with("letters")


def test_the_whole_flow() -> None:
    names = ["Ada", "Grace"]
    run = asyncio.run(run_flow(greeting, {"names": names}, supabase=MagicMock()))
    assert run.output == {"keep": 2}
'''
_SETUP = """\
-- Run it once, after `pgflow-gen migrate`, as the user who migrates: in the SQL editor, or with psql.

-- What programs with the service key may: start any flow, and read any run whose id they know. Given to
-- authenticated or anon, everybody may who has such a key.
grant usage on schema pgflow to service_role;
grant execute on function pgflow.start_flow_with_states, pgflow.get_run_with_states to service_role;

-- The flow's own table. Row security without a policy: only the service key gets at it.
create table public.letters (
  id bigint generated always as identity primary key,
  "to" text not null,
  text text not null
);
alter table public.letters enable row level security;
grant select, insert on public.letters to service_role;
"""
_VARIABLES = """\
# Copy it to .env, and keep that out of the repository. The first two are in the project's settings under API,
# the third under Database: the direct connection, or the session pooler.
SUPABASE_URL=https://PROJECT.supabase.co
SUPABASE_SERVICE_ROLE_KEY=
EDGE_WORKER_DB_URL=postgresql://postgres:PASSWORD@db.PROJECT.supabase.co:5432/postgres
# What ensure_workers has to know to have a worker started; in the vault under pgflow_auth_secret.
PGFLOW_AUTH_SECRET=
"""
SUPABASE = ProjectKind(
    _CONFIGURATION,
    {
        "flows/greeting.py": _FLOW,
        "tests/test_greeting.py": _TEST,
        "supabase/setup.sql": _SETUP,
        ".env.example": _VARIABLES,
    },
    (".pgflow/", "__pycache__/", ".env"),
    "pgflow-gen build, pgflow-gen migrate, and supabase/setup.sql in the SQL editor",
)
