"""What a change to a released flow makes: a migration of its options, a 401, or nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from pgflow_gen.ir.flow import FlowSpec, Json, StepSpec
from tests.support.history import History, codes, merged
from tests.support.ir import STR, element, flow, list_of, param, step

FIRST = "generated/migrations/0001_crawl.sql"


def fetch(**options: Json) -> StepSpec:
    return step("fetch", param("flow_input", STR), options=options)


def store(**options: Json) -> StepSpec:
    return step("store", param("fetch", STR), options=options)


def crawl(*steps: StepSpec, slug: str = "crawl", version: int = 1, **options: Json) -> FlowSpec:
    return flow(*(steps or (fetch(), store())), slug=slug, version=version, options=options)


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(tmp_path)


@pytest.fixture
def released(history: History) -> History:
    history.build(crawl(fetch(timeout=30), store(start_delay=5), max_attempts=4))
    assert history.release() == (FIRST,)
    return history


def test_a_release_is_in_the_manifest_and_happens_once(released: History) -> None:
    assert released.ledger() == [("0001_crawl.sql", True)]
    assert released.release() == ()
    assert released.plan(crawl(fetch(timeout=30), store(start_delay=5), max_attempts=4)).is_clean


def test_bodies_types_and_the_order_of_definition_need_no_migration(released: History) -> None:
    changed = step("fetch", param("flow_input", STR), returns=list_of(STR), options={"timeout": 30})
    taker = step("store", param("fetch", list_of(STR)), options={"start_delay": 5, "transactional": True})
    released.build(crawl(taker, changed, max_attempts=4))
    assert released.files() == ["0001_crawl.sql"]


def test_changed_options_are_set_completely_and_only_where_they_changed(released: History) -> None:
    before = released.text("0001_crawl.sql")
    released.build(crawl(fetch(timeout=60, if_={"a": 1}), store(start_delay=5), max_attempts=4))
    assert released.text("0001_crawl.sql") == before
    assert released.calls("0002_alter_crawl.sql") == [
        "select pgflow.alter_step('crawl', 'fetch', timeout => 60,"
        """ required_input_pattern => '{"a": 1}'::jsonb);"""
    ]
    released.build(crawl(fetch(timeout=30), store(), base_delay=7))
    assert released.calls("0002_alter_crawl.sql") == [
        "select pgflow.alter_flow('crawl', base_delay => 7);",
        "select pgflow.alter_step('crawl', 'store');",
    ]
    assert released.ledger() == [("0001_crawl.sql", True), ("0002_alter_crawl.sql", False)]


def test_a_change_that_is_taken_back_before_the_release_leaves_nothing(released: History) -> None:
    released.build(crawl(fetch(timeout=31), store(start_delay=5), max_attempts=4))
    released.build(crawl(fetch(timeout=30), store(start_delay=5), max_attempts=4))
    assert released.files() == ["0001_crawl.sql"]
    assert released.ledger() == [("0001_crawl.sql", True)]


def test_each_release_starts_from_what_was_released_last(released: History) -> None:
    released.build(crawl(fetch(timeout=31), store(start_delay=5), max_attempts=4))
    assert released.release() == ("generated/migrations/0002_alter_crawl.sql",)
    released.build(crawl(fetch(timeout=30), store(start_delay=5), max_attempts=4))
    assert released.calls("0003_alter_crawl.sql") == [
        "select pgflow.alter_step('crawl', 'fetch', timeout => 30);"
    ]


def test_a_pattern_that_only_python_finds_equal_is_a_change(history: History) -> None:
    history.build(crawl(fetch(if_={"a": 1})))
    history.release()
    history.build(crawl(fetch(if_={"a": True})))
    assert history.files() == ["0001_crawl.sql", "0002_alter_crawl.sql"]


def test_changed_steps_are_a_401_that_names_what_changed(released: History) -> None:
    before = released.manifest_path.read_bytes()
    pages = step("fetch", element("url", STR), kind="map")
    plan = released.plan(crawl(pages, step("index", param("fetch", STR)), max_attempts=4))
    [found] = plan.findings
    assert (found.code, found.severity) == ("PGF401", "error")
    assert found.span == crawl().span
    assert found.message == "the shape of flow 'crawl' changed, but its version did not"
    assert found.notes == (
        "step 'fetch' is a map now; it was a single task",
        "step 'index' is new",
        "step 'store' is gone",
        "the shape that runs rely on was shipped with 0001_crawl.sql",
    )
    assert "version=2" in (found.help or "")
    assert released.manifest_path.read_bytes() == before


def test_a_401_tells_of_dependencies_and_of_the_next_free_version(history: History) -> None:
    history.build(crawl(), crawl(version=2))
    history.release()
    loose = step("store", param("flow_input", STR))
    [found] = history.plan(crawl(fetch(), loose)).findings
    assert found.notes[0] == "step 'store' depends on nothing now; it depended on 'fetch'"
    assert "version=3" in (found.help or "")


def test_a_new_version_stands_beside_the_old_one_and_outlives_it(released: History) -> None:
    old = crawl(fetch(timeout=30), store(start_delay=5), max_attempts=4)
    new = crawl(fetch(), version=2)
    released.build(old, new)
    assert released.files() == ["0001_crawl.sql", "0002_crawl_v2.sql"]
    released.release()
    released.build(new)
    assert released.files() == ["0001_crawl.sql", "0002_crawl_v2.sql"]


@pytest.mark.parametrize("harm", ["edit", "remove"])
def test_a_shipped_migration_that_was_touched_is_a_402(released: History, harm: str) -> None:
    path = released.folder / "0001_crawl.sql"
    original = path.read_bytes()
    same = crawl(fetch(timeout=30), store(start_delay=5), max_attempts=4)
    path.write_bytes(original.replace(b"30", b"40"))
    if harm == "remove":
        path.unlink()
    [found] = released.plan(same).findings
    assert (found.code, found.severity, found.span.path) == ("PGF402", "error", FIRST)
    assert "restore it from version control" in (found.help or "")
    path.write_bytes(original.replace(b"\n", b"\r\n"))
    assert released.plan(same).findings == ()


@pytest.mark.parametrize("harm", ["edit", "remove"])
def test_a_touched_draft_is_a_402_that_a_build_mends_and_tells(history: History, harm: str) -> None:
    history.build(crawl())
    path = history.folder / "0001_crawl.sql"
    original = path.read_text()
    path.write_text(original + "select 1;\n")
    if harm == "remove":
        path.unlink()
    assert history.check(crawl()) == [("PGF402", FIRST)]
    history.build(crawl())
    assert [(item.code, item.severity) for item in history.warnings] == [("PGF402", "warning")]
    assert path.read_text() == original
    assert history.check(crawl()) == []


def test_an_edited_draft_that_no_flow_asks_for_is_not_lost(history: History) -> None:
    history.build(crawl(), crawl(slug="sift"))
    path = history.folder / "0002_sift.sql"
    path.write_text(path.read_text() + "-- mine\n")
    [found] = history.plan(crawl()).findings
    assert (found.code, found.span.path) == ("PGF402", "generated/migrations/0002_sift.sql")


def test_an_edited_file_is_written_anew_with_a_404_warning(history: History) -> None:
    history.build(crawl())
    client = history.root / "generated/client.py"
    original = client.read_text()
    client.write_text(original + "# mine\n")
    assert history.check(crawl()) == [("PGF404", "generated/client.py")]
    history.build(crawl())
    [told] = history.warnings
    assert (told.code, told.severity, told.span.path) == ("PGF404", "warning", "generated/client.py")
    assert client.read_text() == original


def two_branches(root: Path, style: str = "plain", *, released_theirs: bool = False) -> History:
    """Both branches add a flow to a released project; ours has ``ours``, theirs ``theirs``."""
    history = History(root, style)
    history.build(crawl())
    history.release()
    base, files, moment = history.manifest_path.read_text(), set(history.files()), history.now
    history.build(crawl(), crawl(slug="theirs"))
    if released_theirs:
        history.release()
    theirs = history.manifest_path.read_text()
    kept = {name: history.text(name) for name in set(history.files()) - files}
    for name in kept:
        (history.folder / name).unlink()
    history.manifest_path.write_text(base)
    history.now = moment
    history.build(crawl(), crawl(slug="ours"))
    ours = history.manifest_path.read_text()
    for name, text in kept.items():
        (history.folder / name).write_text(text)
    history.manifest_path.write_text(merged(ours, theirs, base))
    assert "<<<<<<<" in history.manifest_path.read_text()
    return history


BOTH = (crawl(), crawl(slug="ours"), crawl(slug="theirs"))


@pytest.mark.parametrize("released_theirs", [False, True])
def test_two_branches_with_one_number_are_a_402_that_renumber_mends(
    tmp_path: Path, released_theirs: bool
) -> None:
    history = two_branches(tmp_path, released_theirs=released_theirs)
    told = codes(history.plan(*BOTH).findings)
    assert ("PGF402", "generated/manifest.json") in told
    assert len([path for code, path in told if "/0002_" in path]) == 1
    history.build(*BOTH, renumber=True)
    expected = (
        ["0002_theirs.sql", "0003_ours.sql"] if released_theirs else ["0002_ours.sql", "0003_theirs.sql"]
    )
    assert history.files() == ["0001_crawl.sql", *expected]
    assert history.check(*BOTH) == []
    again = history.plan(*BOTH, renumber=True)
    assert again.is_clean


def test_a_merge_that_took_one_side_of_the_manifest_is_mended_too(tmp_path: Path) -> None:
    history = two_branches(tmp_path)
    text = history.manifest_path.read_text()
    lines: list[str] = []
    take = True
    for line in text.splitlines(keepends=True):
        if line.startswith(("<<<<<<<", "=======", ">>>>>>>")):
            take = not line.startswith("=======")
        elif take:
            lines.append(line)
    history.manifest_path.write_text("".join(lines))
    assert codes(history.plan(*BOTH).findings) == [("PGF402", "generated/migrations/0002_theirs.sql")]
    history.build(*BOTH, renumber=True)
    assert history.files() == ["0001_crawl.sql", "0002_ours.sql", "0003_theirs.sql"]


def test_renumber_moves_drafts_behind_files_of_others_and_nothing_else(released: History) -> None:
    old = crawl(fetch(timeout=30), store(start_delay=5), max_attempts=4)
    released.build(old, crawl(slug="sift"))
    (released.folder / "0004_core.sql").write_text("select 1;\n")
    released.build(old, crawl(slug="sift"))
    assert released.files() == ["0001_crawl.sql", "0002_sift.sql", "0004_core.sql"]
    released.build(old, crawl(slug="sift"), renumber=True)
    assert released.files() == ["0001_crawl.sql", "0004_core.sql", "0005_sift.sql"]


def test_a_migration_the_manifest_lost_after_a_release_is_told(released: History) -> None:
    changed = crawl(fetch(timeout=31), store(start_delay=5), max_attempts=4)
    released.build(changed)
    released.release()
    released.manifest_path.unlink()
    [found] = released.plan(changed).findings
    assert (found.code, found.span.path) == ("PGF402", "generated/migrations/0002_alter_crawl.sql")
    assert "restore manifest.json" in (found.help or "")
