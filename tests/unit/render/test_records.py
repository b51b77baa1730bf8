"""Names of records that are declared again."""

from __future__ import annotations

import pytest

from pgflow_gen.ir.types import INT, STR, DictType, ListType, LiteralType, RecordRef, TypeExpr, TypeKey, union
from pgflow_gen.render.python.records import flat_name, reachable, record_names
from tests.unit.render.zoo import ANIMAL, INPUT, TREE, TYPES


def key(name: str, module: str = "flows.a", *args: TypeExpr) -> TypeKey:
    return TypeKey(module, name, args)


def test_a_record_keeps_its_name() -> None:
    assert record_names([key("Page")], {}) == {key("Page"): "Page"}


def test_two_of_one_name_get_their_modules_as_prefix() -> None:
    one, other, third = key("Page", "flows.a"), key("Page", "flows.b"), key("Link", "flows.b")
    assert record_names([one, other, third], {}) == {one: "APage", other: "BPage", third: "Link"}


def test_modules_of_one_last_name_are_told_apart_by_more_of_it() -> None:
    one, other = key("Page", "shop.types"), key("Page", "blog.types")
    assert record_names([one, other], {}) == {one: "ShopTypesPage", other: "BlogTypesPage"}


def test_a_name_the_module_defines_otherwise_gets_a_prefix() -> None:
    output = key("FetchOutput", "flows.crawl")
    assert record_names([output], {"FetchOutput": None}) == {output: "CrawlFetchOutput"}
    assert record_names([output], {"FetchOutput": output}) == {output: "FetchOutput"}


def test_a_record_called_like_a_builtin_gets_a_prefix() -> None:
    assert record_names([key("list", "flows.crawl")], {}) == {key("list", "flows.crawl"): "Crawllist"}
    assert record_names([key("Warning", "flows.crawl")], {}) == {key("Warning", "flows.crawl"): "Warning"}


def test_names_stay_distinct_when_prefixes_do_not_help() -> None:
    one, other = key("Page", "a_b"), key("Page", "aB")
    assert sorted(record_names([one, other], {}).values()) == ["ABPage2", "ABPage3"]


@pytest.mark.parametrize(
    ("args", "name"),
    [
        ((INT,), "BoxInt"),
        ((ListType(STR), INT), "BoxListStrInt"),
        ((DictType(RecordRef(key("Page"))),), "BoxDictPage"),
        ((union(INT, STR),), "BoxIntOrStr"),
        ((LiteralType(("a b", "é!", 1, None)),), "BoxAB_1None"),
        ((RecordRef(key("Box", "m", INT)),), "BoxBoxInt"),
    ],
)
def test_arguments_become_part_of_the_name(args: tuple[TypeExpr, ...], name: str) -> None:
    made = flat_name(key("Box", "m", *args))
    assert made == name or made.isidentifier()
    assert made.startswith("Box")


def test_what_is_reached_is_met_in_the_order_of_reading() -> None:
    found = [str(item) for item in reachable([INPUT], TYPES)]
    assert found == ["ZooInput", "Animal", "Animal", "Tree", "Box[int]", "Box[list[str]]", "Odd"]
    assert reachable([ANIMAL, TREE, ANIMAL], TYPES) == (ANIMAL.key, TREE.key)
