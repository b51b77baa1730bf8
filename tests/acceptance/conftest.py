"""A virtual environment with nothing of this repository but its wheel."""

from __future__ import annotations

import subprocess
import sys
import sysconfig

import pytest

from tests.support.project import REPOSITORY


def python(*arguments: str) -> None:
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="session")
def command(tmp_path_factory: pytest.TempPathFactory) -> str:
    """``pgflow-gen`` as pip installs it from the wheel. Its dependencies are those installed here already."""
    folder = tmp_path_factory.mktemp("wheel")
    python(
        "-m",
        "pip",
        "wheel",
        "--no-deps",
        "--no-build-isolation",
        "--no-index",
        "-q",
        "-w",
        f"{folder}",
        f"{REPOSITORY}",
    )
    (wheel,) = folder.glob("*.whl")
    environment = folder / "venv"
    python("-m", "venv", "--without-pip", f"{environment}")
    python(
        "-m",
        "pip",
        "-q",
        "--python",
        f"{environment}/bin/python",
        "install",
        "--no-deps",
        "--no-index",
        f"{wheel}",
    )
    (site,) = environment.glob("lib/python*/site-packages")
    # A path alone: the editable install of this repository, a .pth file there, is not followed.
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    where = [f"{environment}/bin/python", "-c", "import pgflow_gen; print(pgflow_gen.__file__)"]
    assert subprocess.check_output(where, text=True, cwd=folder).startswith(str(site))
    return f"{environment}/bin/pgflow-gen"
