"""Compiled templates are kept in the user's own folder, and only there."""

from __future__ import annotations

from pathlib import Path

import pytest

from pgflow_gen.render.environment import environment
from pgflow_gen.render.kept_templates import kept_templates


@pytest.fixture(autouse=True)
def _own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("sys.dont_write_bytecode", False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def _folder(tmp_path: Path) -> Path:
    return tmp_path / "pgflow-gen" / "templates"


def test_a_template_is_compiled_once_for_many_builds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    environment.__wrapped__().get_template("flow.md.jinja")
    assert [file.suffix for file in _folder(tmp_path).iterdir()] == [".cache"]

    again = environment.__wrapped__()
    monkeypatch.setattr(again, "compile", lambda *_: pytest.fail("compiled once more"))
    again.get_template("flow.md.jinja")


def test_a_folder_that_others_can_write_is_not_used(tmp_path: Path) -> None:
    _folder(tmp_path).mkdir(parents=True)
    _folder(tmp_path).chmod(0o777)
    assert kept_templates() is None


def test_where_nothing_can_be_kept_the_build_goes_on(tmp_path: Path) -> None:
    (tmp_path / "pgflow-gen").write_text("in the way")
    assert kept_templates() is None
    assert environment.__wrapped__().get_template("flow.md.jinja")


def test_a_folder_that_goes_away_meanwhile_is_no_error(tmp_path: Path) -> None:
    made = environment.__wrapped__()
    _folder(tmp_path).rmdir()
    assert made.get_template("flow.md.jinja")


def test_what_is_damaged_is_made_anew(tmp_path: Path) -> None:
    environment.__wrapped__().get_template("flow.md.jinja")
    (kept,) = _folder(tmp_path).iterdir()
    kept.write_bytes(kept.read_bytes()[:100])
    assert environment.__wrapped__().get_template("flow.md.jinja")


def test_who_wants_no_bytecode_written_gets_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.dont_write_bytecode", True)
    assert kept_templates() is None
    assert not _folder(tmp_path).exists()
