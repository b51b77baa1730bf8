"""The ledger of migrations: numbers are given once, drafts follow the source, shipped ones never change."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pgflow_gen.ir.flow import FlowSpec, Json
from pgflow_gen.write import WriteError
from pgflow_gen.write.migrations.ledger import Ledger, join
from pgflow_shared.system.digest import digest
from tests.support.history import History
from tests.support.ir import STR, flow, param, step


def crawl(slug: str = "crawl", *steps: str, version: int = 1, **options: Json) -> FlowSpec:
    made = (step(name, param("flow_input", STR)) for name in steps or ("fetch",))
    return flow(*made, slug=slug, version=version, options=options)


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(tmp_path)


def entries(history: History) -> list[dict[str, Any]]:
    return list(history.manifest()["migrations"])


def test_new_flows_get_the_next_numbers_in_the_order_of_the_source(history: History) -> None:
    history.build(crawl("b"), crawl("a"))
    assert history.files() == ["0001_b.sql", "0002_a.sql"]
    history.build(crawl("za_"), crawl("b"), crawl("a"))
    assert history.files() == ["0001_b.sql", "0002_a.sql", "0003_za_.sql"]


def test_a_draft_is_rendered_anew_under_its_name(history: History) -> None:
    history.build(crawl())
    history.build(crawl("crawl", "fetch", "store", timeout=9))
    assert history.files() == ["0001_crawl.sql"]
    [entry] = entries(history)
    assert [step["slug"] for step in entry["structure"]["steps"]] == ["fetch", "store"]
    assert entry["settings"] == {"timeout": 9, "steps": {"fetch": {}, "store": {}}}
    assert entry["digest"] == digest((history.folder / "0001_crawl.sql").read_bytes())
    assert "timeout => 9" in history.text("0001_crawl.sql")


def test_a_flow_that_is_gone_keeps_its_migration_and_its_number(history: History) -> None:
    history.build(crawl("a"), crawl("b"))
    history.build(crawl("c"))
    assert history.files() == ["0001_a.sql", "0002_b.sql", "0003_c.sql"]


def test_a_draft_nobody_asks_for_can_be_deleted(history: History) -> None:
    history.build(crawl("a"), crawl("b"))
    history.build(crawl("a"))
    (history.folder / "0002_b.sql").unlink()
    assert history.check(crawl("a")) == [("PGF403", "generated/manifest.json")]
    history.build(crawl("a"))
    assert history.ledger() == [("0001_a.sql", False)]


def test_a_new_version_is_a_flow_of_its_own(history: History) -> None:
    history.build(crawl(), crawl(version=2))
    assert history.files() == ["0001_crawl.sql", "0002_crawl_v2.sql"]
    assert "'crawl_v2'" in history.text("0002_crawl_v2.sql")


def test_files_the_ledger_forgot_keep_their_numbers(history: History) -> None:
    history.build(crawl("old"))
    history.folder.joinpath("0001_old.sql").rename(history.folder / "0007_old.sql")
    (history.folder / "notes.md").write_text("0099_none")
    history.manifest_path.unlink()
    history.build(crawl("new"), crawl("old"))
    assert history.files() == ["0007_old.sql", "0008_new.sql", "notes.md"]


def test_the_ledger_survives_its_json(history: History) -> None:
    history.build(crawl(timeout=3))
    data = entries(history)
    assert [entry.as_json() for entry in Ledger.of_json(data).entries] == data


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "../x.sql"},
        {"name": "0001_a"},
        {"shipped": "no"},
        {"settings": 1},
        {"style": "flyway"},
        {"purpose": "drop"},
    ],
)
def test_a_ledger_that_is_none_is_refused(wrong: dict[str, object], history: History) -> None:
    history.build(crawl())
    with pytest.raises((ValueError, TypeError)):
        Ledger.of_json([{**entries(history)[0], **wrong}])


def test_a_migration_that_a_merge_left_twice_counts_once(history: History) -> None:
    history.build(crawl())
    [entry] = entries(history)
    for twice in ([{**entry, "shipped": True}, entry], [entry, {**entry, "shipped": True}]):
        assert [one.shipped for one in Ledger.of_json(twice).entries] == [True]


def test_of_two_branches_that_know_a_migration_the_one_that_shipped_it_is_right(history: History) -> None:
    history.build(crawl("a"), crawl("b"))
    draft = Ledger.of_json(entries(history))
    shipped = Ledger((replace(draft.entries[0], shipped=True, digest="theirs"),))
    assert [entry.shipped for entry in join(draft, shipped).entries] == [True, False]
    assert join(shipped, draft) == join(draft, shipped)


def test_a_style_is_for_a_projects_life_once_something_was_released(history: History) -> None:
    history.build(crawl())
    history.style = "supabase"
    history.build(crawl())
    assert history.files() == ["20260301120100_create_crawl_flow.sql"]
    history.release()
    history.style = "plain"
    with pytest.raises(WriteError, match="style is 'plain', but the shipped") as error:
        history.plan(crawl())
    assert 'style = "supabase"' in (error.value.help or "")
