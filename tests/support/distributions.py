"""The two wheels, and an environment that holds what one of them depends on and nothing else."""

from __future__ import annotations

import subprocess
import sys
from email import message_from_bytes
from importlib.metadata import distribution
from pathlib import Path
from shutil import copyfile
from zipfile import ZipFile

from packaging.requirements import Requirement

from tests.support.project import REPOSITORY

WHOLE, LEAN = REPOSITORY, REPOSITORY / "runtime"
"""Where each wheel is built from."""


def python(*arguments: str) -> None:
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def build_wheel(source: Path, folder: Path) -> Path:
    """The wheel of a source tree, made without a network."""
    offline = ("--no-deps", "--no-build-isolation", "--no-index")
    python("-m", "pip", "wheel", *offline, "-q", "-w", f"{folder}", f"{source}")
    (wheel,) = folder.glob("*.whl")
    return wheel


def install(environment: Path, wheel: Path) -> Path:
    """Install the wheel alone, as pip does; returns the folder of the installed packages."""
    interpreter = f"{environment}/bin/python"
    python("-m", "pip", "-q", "--python", interpreter, "install", "--no-deps", "--no-index", f"{wheel}")
    (site,) = environment.glob("lib/python*/site-packages")
    return site


def dependencies(wheel: Path) -> list[Requirement]:
    """What the wheel says it needs, its extras apart."""
    with ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        lines = message_from_bytes(archive.read(name)).get_all("Requires-Dist", [])
    return [need for need in map(Requirement, lines) if need.marker is None or need.marker.evaluate()]


def copy_dependencies(wheel: Path, site: Path) -> set[str]:
    """Put into ``site`` what the wheel needs, and what that needs, from what is installed here.

    Returns the names of these distributions.
    """
    names: set[str] = set()
    waiting = dependencies(wheel)
    asked: set[str] = set()
    while waiting:
        need = waiting.pop()
        if str(need) in asked:
            continue
        asked.add(str(need))
        if need.name not in names:
            names.add(need.name)
            _copy_files(need.name, site)
        for line in distribution(need.name).requires or ():
            inner = Requirement(line)
            extras = ["", *need.extras]
            if inner.marker is None or any(inner.marker.evaluate({"extra": extra}) for extra in extras):
                waiting.append(inner)
    return names


def _copy_files(name: str, site: Path) -> None:
    for path in distribution(name).files or ():
        source, target = Path(str(path.locate())), site / path
        if ".." not in path.parts and source.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            copyfile(source, target)


def size_of(folder: Path) -> int:
    """Bytes of all files below, as they lie on disk."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
