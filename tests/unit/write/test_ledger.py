"""The ledger of migrations: numbers are given once, drafts follow the source, shipped ones never change."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pgflow_gen.ir.flow import Analysis, FlowSpec, Json
from pgflow_gen.write.digest import digest
from pgflow_gen.write.ledger import Ledger, advance
from tests.support.ir import STR, Types, flow, param, step


def crawl(slug: str = "crawl", *steps: str, version: int = 1, **options: Json) -> FlowSpec:
    made = (step(name, param("flow_input", STR)) for name in steps or ("fetch",))
    return flow(*made, slug=slug, version=version, options=options)


def analysis(*flows: FlowSpec) -> Analysis:
    return Analysis(flows, Types().table)


def names(ledger: Ledger) -> list[str]:
    return [entry.name for entry in ledger.entries]


def test_new_flows_get_the_next_numbers_in_the_order_of_the_source() -> None:
    ledger, texts = advance(Ledger(), analysis(crawl("b"), crawl("a")), ())
    assert names(ledger) == ["0001_b.sql", "0002_a.sql"]
    ledger, _ = advance(ledger, analysis(crawl("za_"), crawl("b"), crawl("a")), texts)
    assert names(ledger) == ["0001_b.sql", "0002_a.sql", "0003_za_.sql"]


def test_a_draft_is_rendered_anew_under_its_name() -> None:
    first, before = advance(Ledger(), analysis(crawl()), ())
    second, after = advance(first, analysis(crawl("crawl", "fetch", "store", timeout=9)), before)
    assert names(second) == ["0001_crawl.sql"]
    [entry] = second.entries
    assert entry.structure_hash != first.entries[0].structure_hash
    assert entry.settings == {"timeout": 9, "steps": {"fetch": {}, "store": {}}}
    assert entry.digest == digest(after["0001_crawl.sql"])
    assert b"timeout => 9" in after["0001_crawl.sql"]


def test_a_shipped_migration_is_left_alone() -> None:
    ledger, _ = advance(Ledger(), analysis(crawl()), ())
    shipped = Ledger(tuple(replace(entry, shipped=True) for entry in ledger.entries))
    after, texts = advance(shipped, analysis(crawl(timeout=9), crawl("next")), ("0001_crawl.sql",))
    assert after.entries[0] == shipped.entries[0]
    assert list(texts) == ["0002_next.sql"]


def test_a_flow_that_is_gone_keeps_its_entry_and_its_number() -> None:
    ledger, _ = advance(Ledger(), analysis(crawl("a"), crawl("b")), ())
    after, texts = advance(ledger, analysis(crawl("c")), ("0001_a.sql", "0002_b.sql"))
    assert names(after) == ["0001_a.sql", "0002_b.sql", "0003_c.sql"]
    assert list(texts) == ["0003_c.sql"]


def test_a_new_version_is_a_flow_of_its_own() -> None:
    ledger, texts = advance(Ledger(), analysis(crawl(), crawl(version=2)), ())
    assert names(ledger) == ["0001_crawl.sql", "0002_crawl_v2.sql"]
    assert b"'crawl_v2'" in texts["0002_crawl_v2.sql"]


def test_files_the_ledger_forgot_keep_their_numbers() -> None:
    ledger, _ = advance(Ledger(), analysis(crawl("new"), crawl("old")), ("0007_old.sql", "notes.md"))
    assert names(ledger) == ["0007_old.sql", "0008_new.sql"]


def test_the_ledger_survives_its_json() -> None:
    ledger, _ = advance(Ledger(), analysis(crawl(timeout=3)), ())
    assert Ledger.of_json([entry.as_json() for entry in ledger.entries]) == ledger


@pytest.mark.parametrize(
    "wrong", [{"name": "../x.sql"}, {"name": "0001_a"}, {"shipped": "no"}, {"settings": 1}]
)
def test_a_ledger_that_is_none_is_refused(wrong: dict[str, object]) -> None:
    ledger, _ = advance(Ledger(), analysis(crawl()), ())
    with pytest.raises((ValueError, TypeError)):
        Ledger.of_json([{**ledger.entries[0].as_json(), **wrong}])
