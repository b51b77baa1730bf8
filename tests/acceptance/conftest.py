"""Virtual environments with nothing of this repository but one of its wheels."""

from __future__ import annotations

import subprocess
import sysconfig
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.distributions import LEAN, WHOLE, build_wheel, copy_dependencies, install, python


@pytest.fixture(scope="session")
def command(tmp_path_factory: pytest.TempPathFactory) -> str:
    """``pgflow-gen`` as pip installs it from the wheel. Its dependencies are those installed here already."""
    folder = tmp_path_factory.mktemp("wheel")
    environment = folder / "venv"
    python("-m", "venv", "--without-pip", f"{environment}")
    site = install(environment, build_wheel(WHOLE, folder))
    # A path alone: the editable install of this repository, a .pth file there, is not followed.
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    where = [f"{environment}/bin/python", "-c", "import pgflow_gen; print(pgflow_gen.__file__)"]
    assert subprocess.check_output(where, text=True, cwd=folder).startswith(str(site))
    return f"{environment}/bin/pgflow-gen"


@dataclass(frozen=True)
class LeanEnvironment:
    """``pgflow-runtime`` in a fresh environment with pip, what it depends on, and nothing else."""

    wheel: Path
    folder: Path
    site: Path

    @property
    def python(self) -> str:
        return f"{self.folder}/bin/python"

    @property
    def command(self) -> str:
        return f"{self.folder}/bin/pgflow-gen"


@pytest.fixture(scope="session")
def lean(tmp_path_factory: pytest.TempPathFactory) -> LeanEnvironment:
    folder = tmp_path_factory.mktemp("lean")
    environment = folder / "venv"
    python("-m", "venv", f"{environment}")
    wheel = build_wheel(LEAN, folder)
    site = install(environment, wheel)
    copy_dependencies(wheel, site)
    return LeanEnvironment(wheel, environment, site)
