"""What code, SQL and tests cite is in the repository: papers by name, the specification by its headings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.project import REPOSITORY

FOLDERS = ("pgflow_gen", "runtime", "sql", "tests", "scripts", "benchmarks", "flows", "examples")
SUFFIXES = {".py", ".sql", ".jinja", ".js", ".css", ".html", ".toml", ".yml"}
SPECIFICATION = REPOSITORY / "docs" / "specification"

_PAPER = re.compile(r"\b[A-Z][A-Z_]+\.md\b")
_NUMBERED = re.compile(r"\b[Cc]ontract \d[\d.]*")
"""A section of a paper by its number: ours have none."""
_SECTION = re.compile(r"specification/(?P<page>[\w-]+\.md)(?:,\s+\"(?P<heading>[^\"]+)\")?")


def sources() -> Iterator[Path]:
    for folder in FOLDERS:
        for path in sorted((REPOSITORY / folder).rglob("*")):
            if path.suffix in SUFFIXES and path != Path(__file__):
                yield path


def faults(text: str, papers: set[str], headings: dict[str, set[str]]) -> list[str]:
    """What a file cites that is not there."""
    missing = [name for name in _PAPER.findall(text) if name not in papers] + _NUMBERED.findall(text)
    for match in _SECTION.finditer(text):
        heading = " ".join(match["heading"].split()) if match["heading"] else None
        if match["page"] not in headings or (heading and heading not in headings[match["page"]]):
            missing.append(match[0])
    return missing


def repository_papers() -> set[str]:
    return {path.name for path in REPOSITORY.glob("*.md")}


def repository_headings() -> dict[str, set[str]]:
    return {
        path.name: set(re.findall(r"(?m)^#+ (.+)$", path.read_text(encoding="utf-8")))
        for path in SPECIFICATION.glob("*.md")
    }


def test_no_file_cites_a_paper_or_section_that_is_not_in_the_repository() -> None:
    papers, headings = repository_papers(), repository_headings()
    cited = {
        str(path.relative_to(REPOSITORY)): missing
        for path in sources()
        if (missing := faults(path.read_text(encoding="utf-8", errors="replace"), papers, headings))
    }
    assert cited == {}


@pytest.mark.parametrize(
    "text",
    [
        "as PAPER.md says",
        "Contract 8.5.",
        'specification/gone.md, "Events"',
        'specification/core.md, "Gone"',
    ],
)
def test_the_judge_sees_what_is_not_there(text: str) -> None:
    assert faults(text, repository_papers(), repository_headings())
