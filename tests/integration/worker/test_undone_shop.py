"""A shop is undone by a real worker: what was done, once, backwards; then it is told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support import companion_flows
from tests.support.project import Project
from tests.support.server import Server, name_of
from tests.support.wait import eventually
from tests.support.worker_lab import Lab

FLOWS = Path(companion_flows.__file__)


@pytest.fixture(scope="module")
def shop_project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Built with the proofs."""
    root = tmp_path_factory.mktemp("companions")
    project = Project.make(root, {"flows/lab.py": FLOWS.read_text(encoding="utf-8")})
    project.ok("build")
    return project


@pytest.fixture(scope="module")
def shop_template(postgres_server: Server, shop_project: Project) -> str:
    dsn = postgres_server.create_database()
    shop_project.ok("migrate", "--dsn", dsn)
    Lab(shop_project, dsn, shop_project.root).sql(
        "create table public.deeds (at bigint generated always as identity, what text, value text)"
    )
    return dsn


@pytest.fixture
def shop(postgres_server: Server, shop_project: Project, shop_template: str, tmp_path: Path) -> Iterator[Lab]:
    dsn = postgres_server.create_database(name_of(shop_template))
    yield Lab(shop_project, dsn, tmp_path)
    postgres_server.drop_database(dsn)


def order(breaks: str = "", amounts: tuple[int, ...] = (1, 2)) -> dict[str, Any]:
    return {"amounts": list(amounts), "breaks": breaks}


def deeds(shop: Lab, *, after: str) -> list[tuple[str, str]]:
    rows = shop.sql("select what, value from public.deeds order by at")
    told = [(row["what"], row["value"]) for row in rows]
    last = max(place for place, (what, _) in enumerate(told) if what == after)
    return told[last + 1 :]


def until_over(shop: Lab, run_id: str, *slugs: str) -> None:
    """Wait until these companions of a run have ended."""

    def probe() -> bool:
        rows = shop.sql("select flow_slug, status from pgflow.list_companions(%s)", run_id)
        return {row["flow_slug"] for row in rows if row["status"] == "completed"} == set(slugs)

    eventually(probe)


def test_what_was_done_is_undone_once_and_then_told(shop: Lab) -> None:
    with shop.worker("shop") as worker:
        run_id = shop.start("shop", order("ship", (1, -2, 3)))
        assert shop.ended(run_id)["status"] == "failed"
        until_over(shop, run_id, "shop__undo", "shop__end_tell", "shop__end_note")
        assert worker.stop() == 0
    done = deeds(shop, after="charged")
    undone = [item for item in done if item[0] in ("refunded", "put back")]
    assert sorted(undone) == [
        ("put back", "shelf 1"),
        ("put back", "shelf 3"),
        ("refunded", "charge 2, ValueError: the van is gone, 3"),
    ]
    assert done[-1] == ("told", "ship, completed, charge 2, ['shelf 1', 'shelf 3']")
    assert not any(what == "called back" for what, _ in done)


def test_a_run_that_completes_is_not_undone_and_its_ends_know_all_steps(shop: Lab) -> None:
    with shop.worker("shop"):
        run_id = shop.start("shop", order())
        assert shop.completed(run_id) == {"ship": "charge 3"}
        until_over(shop, run_id, "shop__end_thank", "shop__end_note")
    rows = shop.sql("select what, value from public.deeds where what not in ('charged', 'reserved')")
    assert [(row["what"], row["value"]) for row in rows] == [("thanked", "charge 3, nothing")]


def test_what_was_still_under_way_is_undone_when_it_is_done(shop: Lab) -> None:
    with shop.worker("parcel"):
        run_id = shop.start("parcel", str(shop.folder))
        assert shop.ended(run_id)["status"] == "failed"
        assert shop.sql("select * from pgflow.list_companions(%s)", run_id) == []
        shop.let_go("label")
        until_over(shop, run_id, "parcel__undo")
    rows = shop.sql("select what, value from public.deeds order by what")
    assert [(row["what"], row["value"]) for row in rows] == [
        ("unlabelled", "label 7, weigh"),
        ("unloaded", "None"),
    ]


def test_companions_are_started_by_the_core_and_by_nobody_else(shop: Lab) -> None:
    with pytest.raises(Exception, match="shop__undo"):
        shop.start("shop__undo", {"run_end": {}, "steps": {}})


def test_a_worker_refuses_code_that_has_other_undos_than_were_built(shop: Lab) -> None:
    source = shop.project.root / "flows" / "lab.py"
    text = source.read_text()
    try:
        source.write_text(text.replace("@shop.end()\ndef note(", "@shop.end()\ndef noted("))
        done = shop.project.run("worker", "flows.lab:shop", "--dsn", shop.dsn)
    finally:
        source.write_text(text)
    assert done.returncode != 0
    assert "shop__end_noted" in done.stderr
