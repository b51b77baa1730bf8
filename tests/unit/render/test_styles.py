"""One script in the clothes of every tool; Python modules are held to what they evaluate to."""

from __future__ import annotations

import ast

import pytest

from pgflow_gen.ir.flow import Json
from pgflow_gen.render.sql import alter_script, create_script
from pgflow_gen.render.styles import dress as dressed
from pgflow_shared.styles import style_of
from tests.support.ir import STR, Types, flow, param, step

TYPES = Types().table
PATTERN: Json = {"a": '50% :x \\ """ \'y\'\n\u2028'}
CRAWL = flow(step("fetch", param("flow_input", STR), options={"if_": PATTERN}), slug="crawl")
SCRIPT = create_script(CRAWL, TYPES)


def dress(style: str, after: str | None = None) -> str:
    return dressed(style_of(style), SCRIPT, "0001_crawl.py", after, "shop")


@pytest.mark.parametrize(
    ("style", "created", "altered"),
    [
        ("plain", "0007_crawl.sql", "0007_alter_crawl.sql"),
        ("supabase", "7_create_crawl_flow.sql", "7_alter_crawl_flow.sql"),
        ("dbmate", "7_create_crawl_flow.sql", "7_alter_crawl_flow.sql"),
        ("alembic", "0007_crawl.py", "0007_alter_crawl.py"),
        ("django", "0007_crawl.py", "0007_alter_crawl.py"),
    ],
)
def test_names(style: str, created: str, altered: str) -> None:
    assert style_of(style).file_name(7, "create", "crawl") == created
    assert style_of(style).file_name(7, "alter", "crawl") == altered


@pytest.mark.parametrize("style", ["plain", "supabase"])
def test_sql_is_a_transaction(style: str) -> None:
    assert dress(style) == f"{SCRIPT.head}begin;\n\n{SCRIPT.body}\ncommit;\n"


def test_dbmate_has_two_parts_and_its_own_transaction() -> None:
    assert dress("dbmate") == f"{SCRIPT.head}-- migrate:up\n\n{SCRIPT.body}\n-- migrate:down\n"


def constants(text: str) -> dict[str, object]:
    found: dict[str, object] = {}
    for item in ast.parse(text).body:
        if isinstance(item, ast.Assign) and isinstance(item.targets[0], ast.Name):
            found[item.targets[0].id] = ast.literal_eval(item.value)
    return found


@pytest.mark.parametrize("style", ["alembic", "django"])
def test_a_module_holds_the_very_sql_and_no_transaction(style: str) -> None:
    assert constants(dress(style))["SQL"] == f"{SCRIPT.head}\n{SCRIPT.body}"
    assert "begin;" not in dress(style)


def test_alembic_revisions_follow_each_other() -> None:
    first = constants(dress("alembic"))
    assert first["down_revision"] is None
    assert first["revision"] == style_of("alembic").link("0001_crawl.py")
    assert len(str(first["revision"])) <= 32
    assert constants(dress("alembic", after="abc"))["down_revision"] == "abc"


def test_django_depends_on_the_app_s_last_migration() -> None:
    assert "dependencies = []\n" in dress("django")
    assert 'dependencies = [("shop", "0000_core")]\n' in dress("django", after="0000_core")


def test_unchanged_options_need_no_script() -> None:
    same: dict[str, Json] = {"steps": {"fetch": {"if": PATTERN}}}
    assert alter_script(CRAWL, TYPES, same) is None
    changed = alter_script(CRAWL, TYPES, {"timeout": 3, **same})
    assert changed is not None
    assert changed.body == "select pgflow.alter_flow('crawl');\n"
