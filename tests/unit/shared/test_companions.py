"""The slugs of companions, and back to the flow that they belong to."""

from __future__ import annotations

import pytest

from pgflow_shared.companions import end_of, end_slug, flow_of, is_reserved, undo_slug


@pytest.mark.parametrize(
    "slug",
    [
        undo_slug("order"),
        undo_slug("order_v2"),
        end_slug("order", "tell"),
        end_slug("order", "roll__undo"),
        end_slug("order", "x__end_y"),
        undo_slug("_"),
    ],
)
def test_a_companions_slug_tells_its_flow_and_is_kept_for_it(slug: str) -> None:
    assert flow_of(slug) in ("order", "order_v2", "_")
    assert is_reserved(slug)


@pytest.mark.parametrize(
    "slug", ["order", "order__undone", "order_undo", "undo", "order__ending", "__init__"]
)
def test_other_slugs_are_anybodys(slug: str) -> None:
    assert flow_of(slug) is None
    assert not is_reserved(slug)


def test_no_flow_is_called_so_that_its_own_companions_seem_to_be_anothers() -> None:
    assert flow_of(undo_slug("order__end")) == "order"
    assert is_reserved("order__end")


@pytest.mark.parametrize("handler", ["tell", "x__end_y", "roll__undo"])
def test_the_companion_of_an_end_tells_its_handler(handler: str) -> None:
    assert end_of(end_slug("order", handler)) == handler
    assert end_of(undo_slug("order")) == ""
