"""Types are tested like behaviour: programs that must pass, and programs that must fail exactly so."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.typing_checkers import HERE, Found, marked, programs, run_mypy, run_pyright

CHECKERS = ("mypy", "pyright")
OK_AND_BAD = [*programs("ok"), *programs("bad")]


@pytest.fixture(scope="session")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Found]:
    """Both checkers' faults, each from one run."""
    return {"mypy": run_mypy(tmp_path_factory.mktemp("mypy")), "pyright": run_pyright()}


@pytest.mark.parametrize("checker", CHECKERS)
@pytest.mark.parametrize("path", OK_AND_BAD, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_exactly_the_marked_lines_are_refused(path: Path, checker: str, found: dict[str, Found]) -> None:
    assert found[checker].get(path, set()) == marked(path, checker)


@pytest.mark.parametrize("path", programs("bad"), ids=lambda path: path.stem)
def test_a_bad_program_marks_something(path: Path) -> None:
    assert all(marked(path, checker) for checker in CHECKERS)


@pytest.mark.parametrize("path", programs("ok"), ids=lambda path: path.stem)
def test_an_ok_program_marks_nothing(path: Path) -> None:
    assert not any(marked(path, checker) for checker in CHECKERS)


@pytest.mark.parametrize("checker", CHECKERS)
def test_the_rig_can_fail(checker: str, found: dict[str, Found]) -> None:
    """The health program's markers are wrong: one line is marked that is fine, one is not that is wrong."""
    path = HERE / "health" / "rig.py"
    promised, refused = marked(path, checker), found[checker].get(path, set())
    assert (promised - refused, promised & refused, refused - promised) == ({7}, {8}, {9})
