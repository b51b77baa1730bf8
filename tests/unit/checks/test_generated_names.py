"""Names that flows and steps would share in the generated code (215)."""

from __future__ import annotations

import pytest

from tests.support.ir import codes, flow, judge, param, step


@pytest.mark.parametrize("slug", ["client", "Client", "_typecheck", "migrations", "__init__"])
def test_a_flow_called_like_a_file_of_ours(slug: str) -> None:
    (found,) = judge(flow(step("a"), slug=slug))
    assert found.code == "PGF215"
    assert "pgflow-gen's own" in found.message


def test_a_flow_called_like_an_older_versions_module() -> None:
    (found,) = judge(
        flow(step("a"), slug="crawl", line=1),
        flow(step("a"), slug="crawl", version=2, line=100),
        flow(step("a"), slug="crawl_v1", line=200),
    )
    assert (found.code, found.span.line) == ("PGF215", 200)
    assert found.notes == ("flow 'crawl' is defined at flows/example.py:1",)


def test_a_keyword_and_its_escaped_twin() -> None:
    assert codes(flow(step("a"), slug="import"), flow(step("a"), slug="import_", line=90)) == ["PGF215"]


def test_methods_of_the_client() -> None:
    (found,) = judge(flow(step("a"), slug="crawl"), flow(step("a"), slug="many_crawl", line=90))
    assert "'start_many_crawl'" in found.message


def test_steps_whose_classes_would_be_one() -> None:
    (found,) = judge(flow(step("fetch_page"), step("fetchPage", param("fetch_page", None))))
    assert (found.code, found.span.line) == ("PGF215", 21)
    assert "'FetchPageInput'" in found.message


def test_a_step_called_like_its_flow() -> None:
    (found,) = judge(flow(step("crawl"), slug="crawl"))
    assert (found.code, found.span.line) == ("PGF215", 11)


def test_what_other_codes_tell_is_not_told_twice() -> None:
    assert codes(flow(step("a"), step("a"))) == ["PGF202"]
    assert codes(flow(step("a")), flow(step("a"), line=90)) == ["PGF210"]
