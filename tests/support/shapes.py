"""Shapes of flows, as the compiling functions of the contract take them."""

from __future__ import annotations

from typing import Any

from psycopg.types.json import Jsonb

from tests.support.core import Core

# The secret of a local Supabase, as the contract gives it.
LOCAL = "super-secret-jwt-token-with-at-least-32-characters-long"

UNDEFINED = {"defined": False}


def step(slug: str, *deps: str, **changes: Any) -> dict[str, Any]:
    """A step of a shape with defaults everywhere."""
    return {
        "slug": slug,
        "stepType": "single",
        "dependencies": list(deps),
        "whenUnmet": "skip",
        "whenExhausted": "fail",
        "requiredInputPattern": UNDEFINED,
        "forbiddenInputPattern": UNDEFINED,
        **changes,
    }


def shape(*steps: dict[str, Any], **options: int) -> dict[str, Any]:
    return {"steps": list(steps), **({"options": options} if options else {})}


def stored_shape(core: Core, flow_slug: str) -> dict[str, Any]:
    found: dict[str, Any] = core.value("select pgflow._get_flow_shape(p_flow_slug => %s)", flow_slug)
    return found


def create(core: Core, flow_slug: str, of: dict[str, Any]) -> None:
    core.run_sql(
        "select pgflow._create_flow_from_shape(p_flow_slug => %s, p_shape => %s)", flow_slug, Jsonb(of)
    )


def differences(core: Core, left: dict[str, Any], right: dict[str, Any]) -> list[str]:
    found: list[str] = core.value(
        "select pgflow._compare_flow_shapes(p_local => %s, p_db => %s)", Jsonb(left), Jsonb(right)
    )
    return found
