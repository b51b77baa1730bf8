"""``@flow.undo`` and ``@flow.end`` make companions, whose steps are the handlers."""

from __future__ import annotations

import pytest

from pgflow_runtime import DefinitionError, Flow, RunEnd, Signal


def charge(flow_input: int) -> str:
    return str(flow_input)


def refund(charge: str) -> None:
    """Give it back."""


def tell(run_end: RunEnd) -> str:
    return run_end["status"]


def test_all_undos_are_one_companion_and_each_end_is_its_own() -> None:
    order = Flow[int]("order", version=2)
    charged = order.step(charge)
    prices = order.map(array=charged.slug, slug="prices")(lambda price: price)
    undone = order.undo(charged)(refund)
    order.undo(prices, when="started")(tell)
    order.end(on="failed")(tell)

    assert list(order.steps) == ["charge", "prices"]
    assert {slug: list(flow.steps) for slug, flow in order.companions.items()} == {
        "order_v2__undo": ["refund", "tell"],
        "order_v2__end_tell": ["tell"],
    }
    undos = order.companions["order_v2__undo"]
    assert undos.companion_of is order
    assert undos.db_slug == "order_v2__undo"
    assert [step.kind for step in undos.steps.values()] == ["step", "map"]
    assert undone("x") is None
    assert undone.__doc__ == "Give it back."


@pytest.mark.parametrize("name", ["another's", "signal", "twice"])
def test_what_cannot_be_undone_is_refused(name: str) -> None:
    order, other = Flow[int]("order"), Flow[int]("other")
    charged = order.step(charge)
    order.undo(charged)(refund)
    wrong = {
        "another's": other.step(charge),
        "signal": Signal[str](order, "signal"),
        "twice": charged,
    }
    with pytest.raises(DefinitionError, match="undo"):
        order.undo(wrong[name])


def test_a_slug_is_no_step() -> None:
    with pytest.raises(TypeError, match="takes the step"):
        Flow[int]("order").undo("charge")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def test_words_that_are_none_are_refused_with_those_there_are() -> None:
    order = Flow[int]("order")
    with pytest.raises(DefinitionError, match="on= is one of failed, cancelled, completed, always"):
        order.end(on="broken")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    with pytest.raises(DefinitionError, match="when= is one of completed, started"):
        order.undo(order.step(charge), when="ended")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def test_two_ends_of_one_name_are_refused() -> None:
    order = Flow[int]("order")
    order.end()(tell)
    with pytest.raises(DefinitionError, match="has a step 'tell' already"):
        order.end()(tell)
