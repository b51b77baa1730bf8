"""The folder mypy looks at: what would be generated, under a package name that no project has."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pgflow_gen.config import Config
from pgflow_gen.render import Rendered, RenderedFile
from pgflow_gen.verify.settings import STAGED_PACKAGE, Settings
from pgflow_shared.digest import digest

CACHE = Path(".pgflow") / "cache"


@dataclass(frozen=True, slots=True)
class Staging:
    """``folder`` holds the staged package and mypy's configuration; ``cache`` outlives the build.

    ``digests`` are those of all files in it, by path.
    """

    folder: Path
    cache: Path
    digests: dict[str, str]

    @property
    def wiring(self) -> Path:
        return self.folder / STAGED_PACKAGE / "_typecheck.py"

    @property
    def ini(self) -> Path:
        return self.folder / "mypy.ini"


@contextmanager
def stage(
    rendered: Rendered, config: Config, settings: Settings, *, cached: bool = True
) -> Iterator[Staging]:
    """Stage ``rendered`` in the project's cache, or where that cannot be written in a temporary folder."""
    own = _own_cache(config.root) if cached else None
    if own is not None:
        yield _fill(own, rendered, settings)
        return
    with tempfile.TemporaryDirectory(prefix="pgflow-gen-") as temporary:
        yield _fill(Path(temporary).resolve(), rendered, settings)


def _own_cache(root: Path) -> Path | None:
    cache = root / CACHE
    try:
        cache.mkdir(parents=True, exist_ok=True)
        ignore = cache / ".gitignore"
        if not ignore.exists():
            ignore.write_text("*\n", encoding="utf-8")
    except OSError:
        return None
    return cache.resolve() if os.access(cache, os.W_OK | os.X_OK) else None


def _fill(cache: Path, rendered: Rendered, settings: Settings) -> Staging:
    """Files that are as they should be are not touched: mypy's own cache goes by their times."""
    folder = cache / "verify"
    files = {f"{STAGED_PACKAGE}/{file.path}": file for file in rendered.files if file.path.endswith(".py")}
    files["mypy.ini"] = RenderedFile.of("mypy.ini", settings.ini(cache / "mypy"))
    for path_on_disk in sorted((folder / STAGED_PACKAGE).glob("*.py")):
        if path_on_disk.relative_to(folder).as_posix() not in files:
            path_on_disk.unlink(missing_ok=True)
    for path, file in files.items():
        path_on_disk = folder / path
        if not path_on_disk.is_file() or digest(path_on_disk.read_bytes()) != file.digest:
            _replace(path_on_disk, file.content)
    return Staging(folder, cache, {path: file.digest for path, file in files.items()})


def _replace(path_on_disk: Path, content: bytes) -> None:
    """Whole or not at all: another build may be looking at the same folder."""
    path_on_disk.parent.mkdir(parents=True, exist_ok=True)
    temporary = path_on_disk.with_name(f"{path_on_disk.name}.{os.getpid()}.tmp")
    temporary.write_bytes(content)
    os.replace(temporary, path_on_disk)
