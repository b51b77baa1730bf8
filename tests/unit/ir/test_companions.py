"""Companions as flows: the transposed graph, what a handler may count on, and what its parameters get."""

from __future__ import annotations

from random import Random

import pytest

from pgflow_gen.ir.companions import companions, given_to, surely_there
from pgflow_gen.ir.flow import CompanionHandler, FlowSpec, Receives
from pgflow_gen.ir.structure import structure
from pgflow_gen.ir.types import NONE, ListType, union
from tests.support.ir import INT, STR, Types, element, end, flow, list_of, param, step, undo, with_companions

TYPES = Types().table


def shop(*handlers: CompanionHandler) -> FlowSpec:
    """prices -> charge -> wrap (may be skipped) -> ship, and stock, a map over prices."""
    return with_companions(
        flow(
            step("prices", param("flow_input", STR), returns=list_of(INT)),
            step("charge", param("prices", list_of(INT))),
            step("wrap", param("charge", STR), options={"if_": {"charge": "x"}}),
            step("ship", param("charge", STR), param("wrap", STR, default=True)),
            step(
                "stock",
                element("price", INT),
                kind="map",
                array="prices",
                options={"when_exhausted": "value"},
            ),
            slug="shop",
        ),
        *handlers,
    )


def undoing(name: str, **options: str) -> CompanionHandler:
    return undo(name, step(f"undo_{name}", param(name, STR), returns=NONE, options=options))


def graph(of: FlowSpec) -> dict[str, set[str]]:
    return {item["slug"]: set(item["dependencies"]) for item in structure(of, TYPES)["steps"]}


def test_a_flow_without_undos_and_ends_has_no_companion() -> None:
    assert companions(shop(), TYPES) == ()


def test_a_step_is_undone_after_all_that_used_it_however_far_away() -> None:
    (undos,) = companions(shop(undoing("prices"), undoing("ship"), undoing("stock")), TYPES)
    assert undos.slug == "shop__undo"
    assert graph(undos.flow) == {
        "undo_ship": set(),
        "undo_stock_items": set(),
        "undo_stock": {"undo_stock_items"},
        "undo_prices": {"undo_ship", "undo_stock"},
    }


@pytest.mark.parametrize("seed", range(20))
def test_undos_are_ordered_as_the_transpose_of_what_is_reached(seed: int) -> None:
    random = Random(seed)
    names = [f"s{number}" for number in range(12)]
    steps = [
        step(name, depends_on=tuple(random.sample(names[:number], min(number, random.randrange(3)))))
        for number, name in enumerate(names)
    ]
    undone = random.sample(names, 6)
    spec = with_companions(flow(*steps), *(undoing(name) for name in undone))
    (undos,) = companions(spec, TYPES)

    direct = {step.slug: set(step.dependencies(TYPES)) for step in spec.steps}

    def above(name: str) -> set[str]:
        return direct[name].union(*map(above, direct[name]))

    wanted = {
        f"undo_{name}": {f"undo_{other}" for other in undone if name in above(other)} for name in undone
    }
    assert graph(undos.flow) == wanted


def test_an_undo_is_called_only_where_its_step_has_something_to_undo() -> None:
    (undos,) = companions(shop(undoing("charge"), undoing("ship"), undoing("stock")), TYPES)
    conditions = {item.slug: item.option("if_") for item in undos.flow.steps}
    assert conditions == {
        "undo_charge": {"flow_input": {"steps": {"charge": {"done": True}}}},
        "undo_ship": {"steps": {"ship": {"done": True}}},
        "undo_stock_items": {"steps": {"stock": {"done": True}}},
        "undo_stock": {"flow_input": {"steps": {"stock": {"done": True}}}},
    }


def test_each_end_is_a_companion_of_one_step_with_the_flows_defaults() -> None:
    tell = end(
        step("tell", param("run_end", None), param("charge", STR, default=True), options={"on": "failed"})
    )
    spec = flow(step("charge"), slug="shop", version=2, options={"timeout": 9, "run_timeout": 60})
    (told,) = companions(with_companions(spec, tell), TYPES)
    assert told.slug == "shop_v2__end_tell"
    assert told.flow.companion_of == "shop_v2"
    assert [(option.name, option.value) for option in told.flow.options] == [("timeout", 9)]
    assert [(item.slug, item.options, item.dependencies(TYPES)) for item in told.flow.steps] == [
        ("tell", (), ())
    ]
    assert [item.receives for item in told.flow.steps[0].params] == [Receives.RUN_END, Receives.PATH]
    assert told.reads == ("charge",)


def test_what_an_undone_step_needed_is_there_and_nothing_else() -> None:
    spec = shop(undoing("ship"), undoing("prices"))
    ship, prices = spec.undos
    assert surely_there(spec, ship, TYPES) == {"charge", "prices"}  # not wrap, which may be skipped
    assert surely_there(spec, prices, TYPES) == frozenset()


def test_a_failure_that_was_a_value_is_not_told_to_other_undos() -> None:
    spec = with_companions(
        flow(step("charge", options={"when_exhausted": "value"}), step("ship", param("charge", STR))),
        undoing("charge"),
        undoing("ship"),
    )
    of_charge, of_ship = spec.undos
    assert given_to(spec, of_charge, spec.steps[0]) == given_to(spec, of_ship, spec.steps[0]) == STR
    assert surely_there(spec, of_ship, TYPES) == frozenset()


@pytest.mark.parametrize(
    ("on", "there"),
    [("completed", {"prices", "charge", "ship", "stock"}), ("failed", set()), ("always", set())],
)
def test_an_end_counts_on_steps_only_where_the_run_completed(on: str, there: set[str]) -> None:
    spec = shop(end(step("tell", options={"on": on})))
    assert surely_there(spec, spec.ends[0], TYPES) == there


def test_an_undo_gets_no_failure_and_one_element_of_a_map() -> None:
    spec = shop(undoing("stock", when="started"), undoing("charge"), end(step("tell")))
    stock, (of_stock, of_charge), (tell,) = spec.steps[4], spec.undos, spec.ends
    assert given_to(spec, of_stock, stock) == STR
    assert given_to(spec, of_charge, stock) == ListType(union(STR, NONE))  # what was under way stands as None
    assert given_to(spec, tell, stock) == stock.output
